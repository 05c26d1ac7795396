"""The rows of a trace file, whichever way they are written: CSV, JSONL, a JSON list or object."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kvviz.sim.workload.traces.json_text import JsonText, decoded
from kvviz.sim.workload.traces.request import Fields, RowError
from kvviz.sim.workload.traces.text import TraceError, TraceText


@dataclass(frozen=True)
class Rows:
    """The rows of a file.

    Args:
        raw: line number and row, one after the other; may raise `TraceError`.
        fields: from such a row to its values by column or key; raises `RowError`.
        columns: of a CSV; empty where every row names its own.
        about: values of the object that holds the rows, all there once these are read.
    """

    raw: Iterator[tuple[int, Any]]
    fields: Callable[[Any], Fields]
    columns: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)


def rows(text: TraceText) -> Rows:
    """Return the rows of a trace, told by how the text begins.

    Raises:
        TraceError: the text is empty.
    """
    head = text.head.lstrip()
    if not head:
        raise TraceError("The trace is empty.")
    if head[0] == "[":
        return Rows(_list(text), _object)
    if head[0] == "{":
        return Rows(_written(text), _line) if _has_row(head) else _document(text)
    return _csv(text)


def _has_row(head: str) -> bool:
    """Tell whether the first line is a request on its own, or is broken and a later one is."""
    first, *more = (_value(line) for line in head.splitlines()[:20])
    if isinstance(first, dict):
        return "requests" not in first
    return '"requests"' not in head and any(isinstance(line, dict) for line in more)


def _value(line: str) -> Any:
    """Return what a line holds if it is JSON on its own, else None."""
    try:
        return decoded(line)
    except ValueError:
        return None


def _csv(text: TraceText) -> Rows:
    lines = _written(text)
    number, header = next(lines)
    try:
        columns = tuple(cell.strip() for cell in _cells(header))
    except RowError as error:
        raise TraceError(str(error), number) from None

    def fields(line: str) -> Fields:
        cells = _cells(line)
        if len(cells) != len(columns):
            need = f"{len(columns):,} ({', '.join(columns)})"
            raise RowError(f"the row has {len(cells):,} cells, expected {need}.")
        return dict(zip(columns, cells, strict=True))

    return Rows(lines, fields, columns)


def _cells(line: str) -> list[str]:
    # Splitting is quicker than the reader of CSV, and knows no longest cell.
    if '"' not in line:
        return line.rstrip("\r\n").split(",")
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise RowError(f"it is not valid CSV: {error}.") from None


def _written(text: TraceText) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank."""
    return ((number, line) for number, line in text.lines() if not line.isspace())


def _line(line: str) -> Fields:
    try:
        return _object(decoded(line))
    except json.JSONDecodeError as error:
        raise RowError(f"it is not valid JSON: {error.msg}.") from None
    except RowError:
        raise
    except ValueError as error:
        raise RowError(f"it is not valid JSON: {error}.") from None


def _object(found: Any) -> Fields:
    if not isinstance(found, dict):
        raise RowError("the item is not a JSON object, expected one with a request's values.")
    return found


def _list(text: TraceText) -> Iterator[tuple[int, Any]]:
    cursor = JsonText(text)
    yield from cursor.items()
    cursor.end()


def _document(text: TraceText) -> Rows:
    about: dict[str, Any] = {}

    def raw() -> Iterator[tuple[int, Any]]:
        cursor = JsonText(text)
        for key in cursor.members():
            if key == "requests":
                yield from cursor.items()
            else:
                about[key] = cursor.value()[1]
        cursor.end()

    return Rows(raw(), _object, about=about)
