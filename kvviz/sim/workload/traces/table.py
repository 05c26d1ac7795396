"""Requests gathered row by row into the columns of a workload."""

from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kvviz.sim.workload.prompts import Pieces
from kvviz.sim.workload.traces.format import Reader
from kvviz.sim.workload.traces.request import Request, RowError
from kvviz.sim.workload.traces.text import TraceError
from kvviz.sim.workload.workload import Workload

MOST_BROKEN: Final = 10_000  # rows left out, of which each is told; more is another format


class Table:
    """The requests of a trace, and the rows that are none.

    Args:
        keep_good: leave out rows that cannot be read, instead of stopping at the first.
    """

    def __init__(self, keep_good: bool) -> None:
        self.keep_good = keep_good
        self.left_out: list[str] = []
        self._names: dict[int, str] = {}
        self._arrival, self._prompt, self._output = array("q"), array("q"), array("q")
        self._ids, self._tokens, self._count = array("q"), array("q"), array("q")

    def __len__(self) -> int:
        return len(self._prompt)

    def add(self, request: Request) -> None:
        """Take a request."""
        if request.name:
            self._names[len(self)] = request.name
        self._arrival.append(request.arrival)
        self._prompt.append(request.prompt)
        self._output.append(request.output)
        self._ids.extend(request.ids)
        self._tokens.extend(request.tokens)
        self._count.append(len(request.ids))

    def leave_out(self, line: int, error: RowError) -> None:
        """Take note of a row that is no request.

        Raises:
            TraceError: there may be none, or not as many.
        """
        broken = TraceError(str(error), line)
        if not self.keep_good:
            raise broken from None
        self.left_out.append(str(broken))
        if len(self.left_out) > MOST_BROKEN:
            raise TraceError(f"More than {MOST_BROKEN:,} rows cannot be read. {self.left_out[0]}")

    def workload(self, name: str, reader: Reader, sampled: int | None) -> Workload:
        """Return the requests, sorted by arrival, equal ones as they were added.

        Raises:
            TraceError: the ids of prompts' pieces are too large.
        """
        columns = [_column(values) for values in (self._arrival, self._prompt, self._output)]
        contents = self._contents(columns[1])
        names = [self._names.get(row, "") for row in range(len(self))] if self._names else []
        behind = int((np.diff(columns[0]) < 0).sum())
        if behind:
            order = np.argsort(columns[0], kind="stable")
            columns = [column[order] for column in columns]
            contents = contents and contents.at(order)
            names = [names[row] for row in order] if names else []
        arrival, prompt, output = columns
        return Workload(
            name,
            arrival - arrival[0] if reader.clock.from_first else arrival,
            prompt,
            output,
            contents,
            sampled,
            reader.clock.in_steps,
            tuple(names),
            reader.notes + self._notes(behind),
            tuple(self.left_out),
        )

    def _contents(self, prompt: NDArray[np.int64]) -> Pieces | None:
        if not self._ids:
            return None
        ids, tokens, count = map(_column, (self._ids, self._tokens, self._count))
        try:
            return Pieces.of(ids, tokens, count, prompt)
        except ValueError as error:
            raise TraceError(str(error)) from None

    def _notes(self, behind: int) -> tuple[str, ...]:
        moved = f"Requests were sorted by arrival: {behind:,} came before the one above them."
        good, bad = len(self), len(self.left_out)
        fewer = f"{bad:,} of {good + bad:,} rows were left out, since they cannot be read."
        return (moved,) * (behind > 0) + (fewer,) * (bad > 0)


def _column(values: "array[int]") -> NDArray[np.int64]:
    """Return the values as they lie in memory, uncopied; shape (values,)."""
    return np.frombuffer(values, dtype=np.int64)
