"""From a trace of any format to a workload, recognised by what it holds and not by its name."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from kvviz.sim.workload.traces.azure import AZURE
from kvviz.sim.workload.traces.burstgpt import BURSTGPT
from kvviz.sim.workload.traces.conversations import CountTokens, conversations
from kvviz.sim.workload.traces.format import Format, Reader
from kvviz.sim.workload.traces.lengths import LENGTHS
from kvviz.sim.workload.traces.mooncake import MOONCAKE
from kvviz.sim.workload.traces.own import OWN
from kvviz.sim.workload.traces.request import RowError
from kvviz.sim.workload.traces.rows import Rows, rows
from kvviz.sim.workload.traces.table import Table
from kvviz.sim.workload.traces.text import Source, TraceError, TraceText
from kvviz.sim.workload.workload import Workload


def read_workload(
    source: Source,
    *,
    name: str = "",
    keep_good: bool = False,
    limit_bytes: int | None = None,
    count_tokens: CountTokens | None = None,
) -> Workload:
    """Read a trace of any known format, gzipped or not.

    Requests are sorted by arrival, equal ones as written. What the reader should know is in the
    workload's `notes`, and the rows that were left out are in `left_out`.

    Args:
        source: a path, the contents as bytes or text, or an open binary stream.
        name: what the workload is called; its own name or the file's where empty.
        keep_good: leave out rows that cannot be read, instead of stopping at the first.
        limit_bytes: most bytes of unpacked text to read.
        count_tokens: counts the tokens of a text, for traces that hold text.

    Raises:
        OSError: the path cannot be read.
        TraceError: an unknown format, a row that cannot be read, or no request at all.
    """
    return read_record(
        source,
        name=name,
        keep_good=keep_good,
        limit_bytes=limit_bytes,
        count_tokens=count_tokens,
    )[0]


def read_record(
    source: Source,
    *,
    name: str = "",
    keep_good: bool = False,
    limit_bytes: int | None = None,
    count_tokens: CountTokens | None = None,
) -> tuple[Workload, dict[str, Any]]:
    """Read a trace as `read_workload` does, and what its JSON object says beside the requests.

    A scheduler's record has its ``settings`` and ``steps`` there; other traces have nothing.
    """
    formats = AZURE, MOONCAKE, BURSTGPT, OWN, LENGTHS, conversations(count_tokens)
    table = Table(keep_good)
    with closing(TraceText(source, limit_bytes)) as text:
        found = rows(text)
        format_, reader = _fill(table, found, formats)
    about = dict(found.about)
    own = about.get("name") if isinstance(about.get("name"), str) else ""
    file = source.name if isinstance(source, Path) else ""
    called = name or own or file or format_.name
    return table.workload(called, reader, _sampled(about, reader)), about


def _fill(table: Table, found: Rows, formats: Sequence[Format]) -> tuple[Format, Reader]:
    """Read all rows, by the format that a CSV's header or else the first object shows."""
    known = _recognised(frozenset(found.columns), 1, formats) if found.columns else None
    for line, raw in found.raw:
        try:
            fields = found.fields(raw)
            known = known or _recognised(frozenset(fields), line, formats)
            table.add(known[1].request(fields))
        except RowError as error:
            table.leave_out(line, error)
    if known is None or not len(table):
        why = table.left_out[0] if table.left_out else f"Expected {_looks(formats)}."
        raise TraceError(f"The trace has no requests. {why}")
    return known


def _recognised(
    keys: frozenset[str], line: int, formats: Sequence[Format]
) -> tuple[Format, Reader]:
    for format_ in formats:
        if format_.knows(keys):
            return format_, format_.reader(keys)
    shown = ", ".join(sorted(keys))
    shown = shown if len(shown) <= 100 else shown[:97] + "..."
    raise TraceError(f"{shown!r} is not a known format, expected {_looks(formats)}.", line)


def _looks(formats: Sequence[Format]) -> str:
    return "; ".join(format_.looks for format_ in formats)


def _sampled(about: Mapping[str, Any], reader: Reader) -> int | None:
    found = about.get("sampled", reader.sampled)
    if found is None or (type(found) is int and 0 <= found < 2**63):
        return found
    raise TraceError(f"sampled is {found!r}, expected a token id from 0 or null.")
