"""One simulation in a process of its own: ``python -m bench.simulated ENGINE REQUESTS [TRACE]``."""

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from kvviz.cost.steps import StepCost
from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import Serving
from kvviz.sim.engine.run import Engine
from kvviz.sim.engine.step import StepEngine
from kvviz.sim.policies import find_policy
from kvviz.sim.pool import the_pool
from kvviz.sim.simulate import step_efficiency
from kvviz.sim.workload.synthetic import synthetic
from kvviz.sim.workload.traces import read_workload
from kvviz.sim.workload.workload import Workload

SCENARIO: Final = Scenario(model="meta-llama/Meta-Llama-3-8B", gpu="A100 SXM4 80GB")
SERVING: Final = Serving(max_num_batched_tokens=2_048, max_num_seqs=256, prefix_caching=False)
ENGINES: Final[dict[str, tuple[Serving, bool]]] = {  # settings, and whether blocks are recorded
    "totals": (SERVING, False),
    "page records": (SERVING, True),
    "page records, prefixes": (SERVING.replaced(prefix_caching=True), True),
    "plain": (SERVING, False),
}


def simulated(name: str, workload: Workload) -> dict[str, Any]:
    """Return what an engine took, what it did, and how it ended, to compare engines by."""
    serving, record = ENGINES[name]
    pool = the_pool(SCENARIO, serving)
    serving, blocks, policy = pool.serving, pool.blocks, find_policy(pool.serving.policy)
    cost = StepCost(SCENARIO, step_efficiency(SCENARIO, serving))
    before, wall, cpu = _peak_mb(), time.perf_counter(), time.process_time()
    if name == "plain":
        done = _plain(StepEngine(workload, serving, blocks, policy, cost))
    else:
        engine = Engine(workload, serving, blocks, policy, cost, record)
        engine.run()
    took = {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "mb": _peak_mb() - before,
        "requests": len(workload),
    }
    return {**took, **(done if name == "plain" else _told(engine))}


def _told(engine: Engine) -> dict[str, Any]:
    return {
        "steps": engine.steps,
        "sequence_steps": engine.sequence_steps,
        "changes": len(engine.record.blocks().ns) if engine.record else 0,
        "end_ns": engine.clock,
    }


def _plain(engine: StepEngine) -> dict[str, Any]:
    steps = sequences = 0
    for step in engine.steps():
        steps += 1
        sequences += len(step.scheduled)
    return {"steps": steps, "sequence_steps": sequences, "changes": 0, "end_ns": engine.clock}


def _peak_mb() -> float:
    """Return the most memory that this process has held; Linux alone says so."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1000 for line in lines if "VmHWM" in line), float("nan"))


def main(name: str, requests: str, trace: str = "") -> None:
    """Print as JSON what an engine did with so many requests, of a trace or drawn."""
    wanted = int(requests)
    served = read_workload(Path(trace)).part(0, wanted) if trace else synthetic(requests=wanted)
    print(json.dumps(simulated(name, served)))


if __name__ == "__main__":
    main(*sys.argv[1:])
