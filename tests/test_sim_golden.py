"""The plain engine against step records of vLLM 0.33's own scheduler."""

import json
from pathlib import Path

import numpy as np
import pytest

from kvviz.catalog.efficiency import Efficiency
from kvviz.scenario import Scenario
from kvviz.serving import Serving
from kvviz.sim.cost import StepCost
from kvviz.sim.policies import find_policy
from kvviz.sim.step import StepEngine
from kvviz.sim.workload import Workload

GOLDEN = Path(__file__).parents[2] / "shared" / "golden"
RECORDS = sorted(GOLDEN.glob("golden_*.json"))
COST = StepCost(Scenario(), Efficiency())


def engine(record):
    settings, requests = record["settings"], record["requests"]
    workload = Workload(
        "golden",
        np.array([r["arrival_step"] for r in requests]),
        np.array([len(r["prompt"]) for r in requests]),
        np.array([r["max_tokens"] for r in requests]),
        lambda index: np.array(requests[index]["prompt"]),
        sampled=7,
        in_steps=True,
    )
    serving = Serving(
        block_size=settings["block_size"],
        max_num_seqs=settings["max_num_seqs"],
        max_num_batched_tokens=settings["max_num_batched_tokens"],
        max_model_len=settings["max_model_len"],
        prefix_caching=settings["enable_prefix_caching"],
    )
    return StepEngine(workload, serving, settings["num_blocks"], find_policy("vllm"), COST)


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_every_step_is_that_of_the_real_scheduler(path):
    record = json.loads(path.read_text())
    run, named = engine(record), [request["id"] for request in record["requests"]]
    for wanted, done in zip(record["steps"], run.steps(), strict=True):
        run.cache.pool.check(r.table for r in run.running)
        ours = {
            "scheduled": {named[i]: n for i, n in done.scheduled.items()},
            "computed": {named[i]: n for i, n in done.computed.items()},
            "preempted": [named[i] for i in done.preempted],
            "finished": sorted((named[i] for i in done.finished), key=int),
            "blocks": {named[i]: table for i, table in done.blocks.items()},
            "free_blocks": done.free_blocks,
        }
        assert ours == {name: wanted[name] for name in ours}, f"step {wanted['step']}"
