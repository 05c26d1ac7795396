"""How the pool is used over a run: rows at its events, and sums over all of its time."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 65_536  # then every second one is kept, and so on: memory does not grow with the run


class Row(NamedTuple):
    """The engine at one moment."""

    ns: int
    running: int
    waiting: int
    ended: int
    tokens: int  # computed, of all that run
    last: int  # tokens with which all that run will end
    held: int  # blocks in the tables of all requests
    free: int  # blocks that nobody holds
    cached: int  # of them, those whose content is known
    refused: bool  # whether the head of the queue does not fit into the free blocks


class Usage:
    """Rows and sums of block and token counts over time.

    The sums are exact: over nanoseconds, of counts that change between steps only.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.ns = self.tokens = self.last = self.held = self.free = self.cached = self.refused = 0
        self._seen, self._stride = 0, 1

    def note(self, row: Row) -> None:
        """Keep a row, or not, where there are many."""
        if self._seen % self._stride == 0:
            self.rows.append(row)
            if len(self.rows) == MOST_ROWS:
                self.rows, self._stride = self.rows[::2], 2 * self._stride
        self._seen += 1

    def add(self, ns: int, row: Row) -> None:
        """Count a time in which everything was as in `row`."""
        self.ns += ns
        self.tokens += row.tokens * ns
        self.last += row.last * ns
        self.held += row.held * ns
        self.free += row.free * ns
        self.cached += row.cached * ns
        self.refused += row.free * ns if row.refused else 0

    def add_decoding(self, ns: int, row: Row, tokens: int, free: int) -> None:
        """Count a time that began as `row`, with the sums of what changed in it given."""
        self.ns += ns
        self.tokens += tokens
        self.last += row.last * ns
        self.free += free
        self.held += (row.held + row.free) * ns - free  # what was free is held
        self.cached += row.cached * ns
        self.refused += free if row.refused else 0

    def columns(self) -> dict[str, NDArray[np.int64]]:
        """Return the rows as columns."""
        table = np.array(self.rows, dtype=np.int64).reshape(-1, len(Row._fields))  # (rows, fields)
        return dict(zip(Row._fields, table.T, strict=True))
