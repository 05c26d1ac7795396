"""How the pool of KV blocks was used over a run: at its events, and averaged over time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kvviz.sim.engine.run import Engine

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PoolUsage:
    """Counts of tokens, blocks and requests over time.

    Args:
        num_blocks: blocks of the pool, the null block included.
        block_size: tokens of a block.
        on_demand: whether blocks are given as tokens come; else they are reserved in advance.
        rows: the engine at its events, columns by the names in `FIELDS`; shape (events,).
        ns: time in which steps ran.
        sums: counts of rows, summed over that time in count times ns; `refused` are the free
            blocks while the head of the queue did not fit into them.
        least_free: fewest free blocks at any time.
        peak_running: most requests that ran at once.
        peak_waiting: most that waited at once.
    """

    num_blocks: int
    block_size: int
    on_demand: bool
    rows: dict[str, NDArray[np.int64]]
    ns: int
    sums: dict[str, int]
    least_free: int
    peak_running: int
    peak_waiting: int

    @classmethod
    def of(cls, engine: Engine, num_blocks: int, block_size: int) -> "PoolUsage":
        """Return the pool's use in a finished run."""
        usage = engine.usage
        return cls(
            num_blocks,
            block_size,
            engine.cache.on_demand,
            usage.columns(),
            usage.ns,
            usage.sums(),
            usage.least_free,
            usage.peak_running,
            usage.peak_waiting,
        )

    def split(self, tokens: Any, last: Any, held: Any, free: Any) -> dict[str, Any]:
        """Return how the blocks that are taken are used, in blocks.

        `used` are tokens in the cache, shared ones once; `reserved` room for tokens still to come;
        `internal` room that no token will ever take; `rounding` what an allocator of powers of two
        adds.
        """
        taken = self.num_blocks - 1 - free
        if self.on_demand:
            unfilled = held - tokens / self.block_size
            used, reserved, internal = taken - unfilled, 0 * tokens, unfilled
        else:
            used, reserved = tokens / self.block_size, (last - tokens) / self.block_size
            internal = held - last / self.block_size
        rounding = taken - used - reserved - internal
        return {"used": used, "reserved": reserved, "internal": internal, "rounding": rounding}

    def over_time(self) -> dict[str, Column]:
        """Return the rows as blocks, with what they are used for; free ones without known ones."""
        rows = {name: column.astype(float) for name, column in self.rows.items()}
        split = self.split(rows["tokens"], rows["last"], rows["held"], rows["free"])
        return {**split, "cached": rows["cached"], "free": rows["free"] - rows["cached"]}

    def shares(self) -> dict[str, float]:
        """Return shares of the pool over the time in which steps ran; they add up to 1.

        `external` is what is free in holes too small for the next request, and what an allocator
        rounds up; `cached` is free with known content.
        """
        mean = {name: value / max(1, self.ns) for name, value in self.sums.items()}
        split = self.split(*(mean[name] for name in ("tokens", "last", "held", "free")))
        refused = 0.0 if self.on_demand else mean["refused"]
        blocks = {
            "used": split["used"],
            "reserved": split["reserved"],
            "internal": split["internal"],
            "external": split["rounding"] + refused,
            "cached": mean["cached"],
            "free": mean["free"] - refused - mean["cached"],
        }
        return {name: float(value / (self.num_blocks - 1)) for name, value in blocks.items()}
