"""How the pool is used over a run: rows at its events, and sums over all of its time."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 65_536  # then every second one is kept, and so on: memory does not grow with the run
FIELDS: Final = (  # of a row, the engine at one moment
    "ns",
    "running",
    "waiting",
    "ended",
    "tokens",  # computed, of all that run
    "last",  # tokens with which all that run will end
    "held",  # blocks in the tables of all requests
    "free",  # blocks that nobody holds
    "cached",  # of them, those whose content is known
)
Row = tuple[int, ...]  # a plain one: to name its fields takes longer than to simulate a step


class Usage:
    """Rows and sums of block and token counts over time.

    The sums are exact: over nanoseconds, of counts that change between steps only.

    Args:
        free: blocks that are free before anything runs.
    """

    def __init__(self, free: int) -> None:
        self.rows: list[Row] = []
        self.ns = self.tokens = self.last = self.held = self.free = self.cached = self.refused = 0
        self.peak_running = self.peak_waiting = 0
        self.least_free = free
        self._seen, self._stride = 0, 1

    def note(self, row: Row) -> None:
        """Keep a row, or only its extremes where there are many rows."""
        _, running, waiting, *_, free, _ = row
        if running > self.peak_running:
            self.peak_running = running
        if waiting > self.peak_waiting:
            self.peak_waiting = waiting
        if free < self.least_free:
            self.least_free = free
        if self._seen % self._stride == 0:
            self.rows.append(row)
            if len(self.rows) == MOST_ROWS:
                self.rows, self._stride = self.rows[::2], 2 * self._stride
        self._seen += 1

    def add(
        self,
        ns: int,
        tokens: int,
        last: int,
        room: int,
        free: int,
        cached: int,
        refused: bool,
    ) -> None:
        """Count a period in which no request arrived or left.

        Args:
            ns: how long it was.
            tokens: sum over it of the tokens computed.
            last: tokens with which all that run will end.
            room: blocks held and free together; what is taken from one is the other's.
            free: sum over it of the free blocks.
            cached: sum over it of those whose content is known.
            refused: whether the head of the queue did not fit into the free blocks.
        """
        self.ns += ns
        self.tokens += tokens
        self.last += last * ns
        self.held += room * ns - free
        self.free += free
        self.cached += cached
        self.refused += free if refused else 0

    def sums(self) -> dict[str, int]:
        """Return the sums over time by name, in counts times nanoseconds."""
        names = ("tokens", "last", "held", "free", "cached", "refused")
        return {name: getattr(self, name) for name in names}

    def columns(self) -> dict[str, NDArray[np.int64]]:
        """Return the rows as columns."""
        table = np.array(self.rows, dtype=np.int64).reshape(-1, len(FIELDS))  # (rows, fields)
        return dict(zip(FIELDS, table.T, strict=True))
