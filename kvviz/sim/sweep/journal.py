"""The finished rows of a sweep, on disk: an interrupted sweep resumes from there."""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kvviz.sim.sweep.cell import Row, flat
from kvviz.sim.sweep.sentence import SweepError


class Journal:
    """A file of JSON lines: the settings of a sweep, then a row for each cell that is done.

    A line that was cut off when the sweep was ended is dropped, and its cell computed again.

    Args:
        path: the file, new or of a sweep with the same settings.
        settings: all that the rows depend on, ready for JSON.

    Raises:
        OSError: the file cannot be read or written.
        SweepError: it is no such file, or of a sweep with other settings.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.rows: dict[int, Row] = {}  # by the number of the cell
        self._path = path
        self._file = path.open("a+b")
        try:
            self._resume(json.loads(json.dumps(settings)))
        except BaseException:
            self._file.close()
            raise

    def add(self, row: Row) -> None:
        """Write down the row of a cell."""
        self.rows[row["cell"]] = row
        self._write(row)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()

    def _resume(self, settings: dict[str, Any]) -> None:
        self._file.seek(0)
        whole, _, cut = self._file.read().rpartition(b"\n")
        if b"\n" not in whole:  # no row that settings could belie
            self._file.truncate(0)
            self._write(settings)
            return
        if cut:
            self._file.truncate(len(whole) + 1)
        before, *rows = (self._read(line, at) for at, line in enumerate(whole.split(b"\n"), 1))
        if before != settings:
            raise SweepError(
                f"{self._path} belongs to a sweep that differs in {_different(before, settings)}; "
                f"expected the same settings to resume it, or another --out"
            )
        self.rows = {row["cell"]: row for row in rows}

    def _read(self, line: bytes, at: int) -> dict[str, Any]:
        try:
            told = json.loads(line)
            if isinstance(told, dict) and (at == 1 or type(told.get("cell")) is int):
                return told
        except ValueError:
            pass
        raise SweepError(
            f"line {at} of {self._path} is not a row of a sweep; expected a sweep's journal"
        )


def _different(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Return the names of the settings that differ."""
    old, new = dict(flat(before)), dict(flat(now))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(names)
