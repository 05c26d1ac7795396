"""Results of a run: requests, totals, the use of the pool, every block over time."""

import json
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.measured.efficiency import Efficiency
from kvviz.settings.serving import Serving
from kvviz.sim.engine.run import Engine
from kvviz.sim.pool import Pool
from kvviz.sim.results.history import History
from kvviz.sim.results.requests import RequestColumns
from kvviz.sim.results.usage import PoolUsage
from kvviz.sim.workload.workload import Workload
from kvviz.timeline import Changes, Timeline

if TYPE_CHECKING:
    import pandas as pd

Column = NDArray[np.float64]
NS = 1e9  # nanoseconds in a second
PERCENTILES = (50, 90, 95, 99)
WHEN_MOST = 2**32 - 1  # changes count time in 32 bits


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A finished run; it holds no engine.

    Args:
        workload: the requests, without what their prompts say.
        pool: the blocks and limits that it had, and the engine's plan behind them.
        efficiency: MFU, MBU and overhead of its steps, and how they are known.
        wall_s: wall-clock seconds of the simulation.
        steps: how many there were.
        clock_ns: nanoseconds from the start to the end of the last one.
        preemptions: how often a request was preempted.
        scheduled_tokens: tokens computed.
        looked_up_tokens: tokens of the requests that joined, each time they did.
        columns: what became of each request.
        usage: how the pool was used.
        history: every block over time; None where the run was not recorded.
    """

    workload: Workload
    pool: Pool
    efficiency: Efficiency
    wall_s: float
    steps: int
    clock_ns: int
    preemptions: int
    scheduled_tokens: int
    looked_up_tokens: int
    columns: RequestColumns
    usage: PoolUsage
    history: History | None

    @property
    def serving(self) -> Serving:
        """The engine's limits."""
        return self.pool.serving

    @property
    def num_blocks(self) -> int:
        """Blocks of the pool, the null block included."""
        return self.pool.blocks

    @property
    def makespan_s(self) -> float:
        """Seconds from the first arrival's clock 0 to the last token."""
        return self.clock_ns / NS

    @property
    def recorded(self) -> History:
        """Every block over time; raises `ValueError` where the run was not recorded."""
        if self.history is None:
            raise ValueError("The run was not recorded; expected one simulated with record=True.")
        return self.history

    def requests(self) -> dict[str, NDArray[np.generic]]:
        """Return a row per request: seconds, tokens and counts; columns of shape (requests,).

        Arrivals that count steps are seconds from the start, as is everything else.
        """
        its, work = self.columns, self.workload
        queued, scheduled, first, end = (
            column / NS
            for column in (its.arrived_ns, its.scheduled_ns, its.first_token_ns, its.end_ns)
        )
        output = np.minimum(work.output, self.serving.max_model_len - work.prompt)
        with np.errstate(divide="ignore", invalid="ignore"):
            tpot = np.where(output > 1, (end - first) / (output - 1), np.nan)
        return {
            "id": np.array(work.ids or range(len(work))),
            "prompt": work.prompt,
            "output": output,
            "queued_s": queued,
            "scheduled_s": scheduled,
            "first_token_s": first,
            "end_s": end,
            "ttft_s": first - queued,
            "tpot_s": tpot,
            "latency_s": end - queued,
            "end_step": its.end_step,
            "preemptions": its.preemptions,
            "cached_tokens": its.cached_tokens,
            "lost_tokens": its.lost_tokens,
        }

    def totals(self) -> dict[str, Column]:
        """Return the engine at its events: seconds, requests, tokens, and the pool in blocks."""
        rows = {name: column.astype(float) for name, column in self.usage.rows.items()}
        counts = {name: rows[name] for name in ("running", "waiting", "ended", "tokens")}
        return {"when": rows["ns"] / NS, **counts, **self.usage.over_time()}

    def kv(self) -> dict[str, Any]:
        """Return the pool's size, and its shares over the time in which steps ran."""
        return {
            "blocks": self.num_blocks,
            "block_size": self.serving.block_size,
            "block_bytes": self.pool.block_bytes,
            **self.pool.told(),
            "peak_blocks": self.num_blocks - 1 - self.usage.least_free,
            "shares": self.usage.shares(),
        }

    @property
    def finish_sha(self) -> str:
        """A hash of the step at which each request ended, in 16 hex digits."""
        pairs = sorted([index, step] for index, step in enumerate(self.columns.end_step.tolist()))
        return sha256(json.dumps(pairs).encode()).hexdigest()[:16]

    def summary(self) -> dict[str, Any]:
        """Return the run in figures, ready for JSON."""
        rows = self.requests()
        span = self.makespan_s or float("nan")
        cached = int(self.columns.cached_tokens.sum())
        return {
            "requests": len(self.workload),
            "steps": self.steps,
            "preemptions": self.preemptions,
            "scheduled_tokens": self.scheduled_tokens,
            "peak_running": self.usage.peak_running,
            "peak_waiting": self.usage.peak_waiting,
            "finish_sha": self.finish_sha,
            "makespan_s": self.makespan_s,
            "ttft_s": spread(rows["ttft_s"]),
            "tpot_s": spread(rows["tpot_s"]),
            "latency_s": spread(rows["latency_s"]),
            "throughput_tokens_per_s": float(rows["output"].sum() / span),
            "throughput_requests_per_s": len(self.workload) / span,
            "prefix_hit_rate": cached / self.looked_up_tokens,
            "cached_tokens": cached,
            "prompt_tokens": int(self.workload.prompt.sum()),
            "lost_tokens": int(self.columns.lost_tokens.sum()),
            "kv": self.kv(),
            "efficiency": asdict(self.efficiency),
            "wall_s": self.wall_s,
        }

    def timeline(self) -> Timeline:
        """Return every block over time; `when` counts microseconds, or milliseconds past 71 min.

        Raises:
            ValueError: the run was not recorded.
        """
        blocks = self.recorded.blocks
        unit, ns = ("us", 1_000) if self.clock_ns < 1_000 * WHEN_MOST else ("ms", 1_000_000)
        changes = Changes(
            (blocks.ns // ns).astype(np.uint32),
            blocks.block.astype(np.uint32),
            np.ones(len(blocks.ns), dtype=np.uint32),
            blocks.owner.astype(np.int32),
            blocks.state.astype(np.uint8),
        )
        totals = self.totals()
        totals["when"] = totals["when"] * NS / ns
        return Timeline(unit, self.pool.block_bytes, self.num_blocks, changes, totals)

    def requests_frame(self) -> "pd.DataFrame":
        """Return the requests as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.requests())

    def totals_frame(self) -> "pd.DataFrame":
        """Return the totals as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.totals())


def outcome_of(
    engine: Engine, workload: Workload, pool: Pool, efficiency: Efficiency, wall_s: float
) -> Outcome:
    """Return the results of a finished run of the fast engine."""
    return Outcome(
        workload=replace(workload, contents=None),
        pool=pool,
        efficiency=efficiency,
        wall_s=wall_s,
        steps=engine.steps,
        clock_ns=engine.clock,
        preemptions=engine.preemptions,
        scheduled_tokens=engine.scheduled_tokens,
        looked_up_tokens=engine.batch.looked_up_tokens,
        columns=RequestColumns.of(engine),
        usage=PoolUsage.of(engine, pool.blocks, pool.serving.block_size),
        history=History.of(engine.record) if engine.record else None,
    )


def spread(values: NDArray[np.generic]) -> dict[str, float | None]:
    """Return mean and percentiles of the known values, None where there are none."""
    known = values[~np.isnan(values)]
    names = ("mean", *(f"p{percent}" for percent in PERCENTILES), "max")
    if not len(known):
        return dict.fromkeys(names)
    figures = (known.mean(), *np.percentile(known, PERCENTILES), known.max())
    return dict(zip(names, map(float, figures), strict=True))
