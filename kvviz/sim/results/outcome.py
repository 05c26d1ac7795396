"""What came of a run: requests, totals, the use of the pool, and every block over time."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.measured.efficiency import Efficiency
from kvviz.settings.serving import Serving
from kvviz.sim.engine.run import Engine
from kvviz.sim.pool import Pool
from kvviz.sim.workload.workload import Workload
from kvviz.timeline import Changes, Timeline

if TYPE_CHECKING:
    import pandas as pd

Column = NDArray[np.float64]
NS = 1e9  # nanoseconds in a second
PERCENTILES = (50, 90, 95, 99)
WHEN_MOST = 2**32 - 1  # changes count time in 32 bits


@dataclass(frozen=True)
class Outcome:
    """A run that has ended.

    Args:
        workload: the requests.
        serving: the engine's limits.
        num_blocks: blocks of the pool, the null block included.
        block_bytes: bytes of a block on one GPU.
        efficiency: rates that its steps reach, and how they are known.
        engine: the engine, as it stands at the end.
        wall_s: seconds that simulating took.
        pool: what the run had, and the engine's plan behind it.
    """

    workload: Workload
    serving: Serving
    num_blocks: int
    block_bytes: int
    efficiency: Efficiency
    engine: Engine
    wall_s: float
    pool: Pool

    @property
    def makespan_s(self) -> float:
        """Seconds from the first arrival's clock 0 to the last token."""
        return self.engine.clock / NS

    def requests(self) -> dict[str, NDArray[np.generic]]:
        """Return a row a request: seconds, tokens and counts; columns of shape (requests,).

        Arrivals that count steps are seconds from the start, as is everything else.
        """
        ledger, work = self.engine.ledger, self.workload
        scheduled, first, end = (
            np.array(column) / NS
            for column in (ledger.scheduled_ns, ledger.first_token_ns, ledger.end_ns)
        )
        queued = np.array(self.engine.arrived_ns) / NS
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
            "end_step": np.array(ledger.end_step),
            "preemptions": np.array(ledger.preemptions),
            "cached_tokens": np.array(ledger.cached_tokens),
            "lost_tokens": np.array(ledger.lost_tokens),
        }

    def totals(self) -> dict[str, Column]:
        """Return the engine at its events: seconds, requests, tokens and blocks.

        `used` are tokens in the cache, shared ones once; `reserved` room for tokens still to come;
        `internal` room that no token will ever take; all three in blocks, as `free` and `cached`.
        """
        rows = {name: column.astype(float) for name, column in self.engine.usage.columns().items()}
        split = self._split(rows["tokens"], rows["last"], rows["held"], rows["free"])
        return {
            "when": rows["ns"] / NS,
            **{name: rows[name] for name in ("running", "waiting", "ended", "tokens")},
            **split,
            "cached": rows["cached"],
            "free": rows["free"] - rows["cached"],
        }

    def _split(self, tokens: Any, last: Any, held: Any, free: Any) -> dict[str, Any]:
        """Return how the blocks that are taken are used, in blocks."""
        size, taken = self.serving.block_size, self.num_blocks - 1 - free
        if self.engine.cache.on_demand:
            unfilled = held - tokens / size
            used, reserved, internal = taken - unfilled, 0 * tokens, unfilled
        else:
            used, reserved = tokens / size, (last - tokens) / size
            internal = held - last / size
        rounding = taken - used - reserved - internal  # of an allocator of powers of two
        return {"used": used, "reserved": reserved, "internal": internal, "rounding": rounding}

    def kv(self) -> dict[str, Any]:
        """Return how the pool was used, as shares of it over the time in which steps ran.

        `external` is what is free in holes too small for the next request, and what an allocator
        rounds up; `cached` is free with known content; all shares add up to 1.
        """
        usage, pool = self.engine.usage, self.num_blocks - 1
        ns = max(1, usage.ns)
        mean = {name: getattr(usage, name) / ns for name in ("tokens", "last", "held", "free")}
        split = self._split(**mean)
        refused = 0.0 if self.engine.cache.on_demand else usage.refused / ns
        shares = {
            "used": split["used"],
            "reserved": split["reserved"],
            "internal": split["internal"],
            "external": split["rounding"] + refused,
            "cached": usage.cached / ns,
            "free": mean["free"] - refused - usage.cached / ns,
        }
        return {
            "blocks": self.num_blocks,
            "block_size": self.serving.block_size,
            "block_bytes": self.block_bytes,
            **self.pool.told(),
            "peak_blocks": pool - self.engine.usage.least_free,
            "shares": {name: float(value / pool) for name, value in shares.items()},
        }

    @property
    def finish_sha(self) -> str:
        """Say at which step each request ended, in 16 hex digits."""
        pairs = sorted([index, step] for index, step in enumerate(self.engine.ledger.end_step))
        return sha256(json.dumps(pairs).encode()).hexdigest()[:16]

    def summary(self) -> dict[str, Any]:
        """Return the run in figures, ready for JSON."""
        rows, engine = self.requests(), self.engine
        span = self.makespan_s or float("nan")
        prompt, cached = int(self.workload.prompt.sum()), int(rows["cached_tokens"].sum())
        return {
            "requests": len(self.workload),
            "steps": engine.steps,
            "preemptions": engine.preemptions,
            "scheduled_tokens": engine.scheduled_tokens,
            "peak_running": engine.usage.peak_running,
            "peak_waiting": engine.usage.peak_waiting,
            "finish_sha": self.finish_sha,
            "makespan_s": self.makespan_s,
            "ttft_s": spread(rows["ttft_s"]),
            "tpot_s": spread(rows["tpot_s"]),
            "latency_s": spread(rows["latency_s"]),
            "throughput_tokens_per_s": float(rows["output"].sum() / span),
            "throughput_requests_per_s": len(self.workload) / span,
            "prefix_hit_rate": cached / engine.batch.looked_up_tokens,
            "cached_tokens": cached,
            "prompt_tokens": prompt,
            "lost_tokens": int(rows["lost_tokens"].sum()),
            "kv": self.kv(),
            "efficiency": asdict(self.efficiency),
            "wall_s": self.wall_s,
        }

    def timeline(self) -> Timeline:
        """Return every block over time; the engine must have recorded them.

        `when` counts microseconds, or milliseconds in runs of over 71 minutes.
        """
        record = self.engine.record
        assert record is not None, "the run was not recorded"
        unit, ns = ("us", 1_000) if self.engine.clock < 1_000 * WHEN_MOST else ("ms", 1_000_000)
        blocks = record.blocks()
        changes = Changes(
            (blocks.ns // ns).astype(np.uint32),
            blocks.block.astype(np.uint32),
            np.ones(len(blocks.ns), dtype=np.uint32),
            blocks.owner.astype(np.int32),
            blocks.state.astype(np.uint8),
        )
        totals = self.totals()
        totals["when"] = totals["when"] * NS / ns
        return Timeline(unit, self.block_bytes, self.num_blocks, changes, totals)

    def requests_frame(self) -> "pd.DataFrame":
        """Return the requests as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.requests())

    def totals_frame(self) -> "pd.DataFrame":
        """Return the totals as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.totals())


def spread(values: NDArray[np.generic]) -> dict[str, float | None]:
    """Return mean and percentiles of what is known, None where nothing is."""
    known = values[~np.isnan(values)]
    names = ("mean", *(f"p{percent}" for percent in PERCENTILES), "max")
    if not len(known):
        return dict.fromkeys(names)
    figures = (known.mean(), *np.percentile(known, PERCENTILES), known.max())
    return dict(zip(names, map(float, figures), strict=True))
