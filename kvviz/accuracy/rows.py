"""Reading tables of facts: a broken file is an error, a broken cell only skips its test."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from kvviz.engines import fields

T = TypeVar("T")
MAX_BYTES: Final = 50_000_000
SHIPPED: Final = Path(__file__).parent / "facts"
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "logs": ("engine", "model", "weights_gib", "kv_cache_gib", "kv_tokens"),
    "params": ("model", "params_exact", "params_published"),
    "weights": ("model", "total_size_bytes", "gib"),
    "throughput": ("model", "gpu", "isl", "osl", "value", "metric"),
}
"""Columns without which a file is not a table of that kind."""
FILES: Final = {
    "logs": "engine_logs.csv",
    "params": "params.csv",
    "weights": "weights_total_size.csv",
    "throughput": "published_throughput.csv",
}
BLANK: Final = frozenset({"", "-", "n/a", "na", "nan", "none", "null", "unknown", "?"})


class FactsError(ValueError):
    """A file that is not a table of facts: one sentence with the file, what is wrong and where."""


class Untestable(Exception):  # noqa: N818 - it reads as what a row is
    """A row that cannot be tested; the message is the reason."""


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Args:
        id: its ``id``, or its place in the file, such as ``row 7``.
        cells: its texts by column.
    """

    id: str
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Return a cell without the space around it, empty if it is blank."""
        found = (self.cells.get(column) or "").strip()
        return "" if found.casefold() in BLANK else found

    def number(self, column: str) -> float | None:
        """Return a cell's number, None if it is blank.

        Raises:
            Untestable: it is not a number.
        """
        found = self.text(column)
        return _read(fields.number, column, found) if found else None

    def positive(self, column: str) -> float:
        """Return a cell's number.

        Raises:
            Untestable: it is blank, not a number, or not above 0.
        """
        return positive(column, self.number(column))

    def whole(self, column: str, default: int) -> int:
        """Return a cell's whole number of at least 1, `default` if it is blank.

        Raises:
            Untestable: it is something else.
        """
        found = self.text(column)
        return _read(fields.whole, column, found) if found else default


def _read(reader: Callable[[str, str], T], column: str, found: str) -> T:
    try:
        return reader(column, found)
    except ValueError as error:
        raise Untestable(str(error)) from None


def positive(name: str, value: float | None) -> float:
    """Return a figure that must be given and above 0; raises `Untestable` if it is not."""
    if value is None:
        raise Untestable(f"{name} is not given")
    if value <= 0:
        raise Untestable(f"{name} is {value:g}, not above 0")
    return value


def read_rows(kind: str, path: Path | None = None) -> list[Row]:
    """Return the rows of a table.

    Args:
        kind: ``logs``, ``params``, ``weights`` or ``throughput``.
        path: a file with the columns of that kind, None for the one that ships.

    Raises:
        FactsError: the file cannot be read, is not a table of that kind, or is broken.
    """
    path = path or SHIPPED / FILES[kind]
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        columns = reader.fieldnames or ()
        _check_columns(kind, path, columns)
        return [_row(path, number, cells) for number, cells in enumerate(reader, 1)]
    except csv.Error as error:
        raise FactsError(f"{path.name} is not a CSV table: {error}") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FactsError(f"cannot read {str(path)!r}: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise FactsError(f"{path.name} is larger than {MAX_BYTES // 10**6} MB, the limit")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FactsError(f"{path.name} is not UTF-8 text") from None


def _check_columns(kind: str, path: Path, columns: Sequence[str]) -> None:
    missing = [name for name in NEEDED[kind] if name not in columns]
    if missing:
        raise FactsError(
            f"{path.name} has no column {', '.join(missing)}; expected a table of {kind} with "
            f"{', '.join(NEEDED[kind])}"
        )


def _row(path: Path, number: int, cells: Mapping[str | None, str]) -> Row:
    if None in cells:
        raise FactsError(f"row {number} of {path.name} has more cells than the table has columns")
    texts = {str(name): text or "" for name, text in cells.items()}
    return Row(texts.get("id", "").strip() or f"row {number}", texts)
