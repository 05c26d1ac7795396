"""Traces of Azure's services of 2023 and 2024: Patel et al., Splitwise, ISCA 2024, and
Stojkovic et al., DynamoLLM, arXiv 2408.00741 (github.com/Azure/AzurePublicDataset).
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from kvviz.sim.workload.traces.format import Clock, Format, Reader
from kvviz.sim.workload.traces.request import (
    LAST_NS,
    Fields,
    Request,
    RowError,
    tokens,
    value,
    wrong,
)

COLUMNS: Final = frozenset(("TIMESTAMP", "ContextTokens", "GeneratedTokens"))
NEED: Final = "a time like 2023-11-16 18:15:46.6805900 or 2024-05-10 00:00:00.009930+00:00"
# 2023 has seven digits and no zone, 2024 six and +00:00.
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d):([0-5]\d)(?:\.(\d{1,9}))? ?(Z|UTC|[+-]\d\d:?\d\d)?", re.ASCII
)


def _request(fields: Fields) -> Request:
    return Request(
        _nanoseconds(fields), tokens(fields, "ContextTokens"), tokens(fields, "GeneratedTokens")
    )


def _nanoseconds(fields: Fields) -> int:
    """Return nanoseconds since 1970; a time without a zone is UTC."""
    text = value(fields, "TIMESTAMP", NEED)
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise wrong("TIMESTAMP", text, NEED)
    minute, second, fraction, zone = match.groups()
    try:
        seconds = _minute(minute, zone or "Z") + int(second)
    except ValueError as error:
        raise RowError(f"TIMESTAMP is {text!r}: {error}.") from None
    if not 0 <= seconds < LAST_NS // 10**9:
        raise RowError(f"TIMESTAMP is {text!r}, expected a time from 1970 to 2262.")
    return seconds * 10**9 + (int(fraction.ljust(9, "0")) if fraction else 0)


@lru_cache(maxsize=1024)
def _minute(text: str, zone: str) -> int:
    """Return the seconds since 1970 of a minute that many rows share."""
    start = datetime.fromisoformat(text + ("+00:00" if zone in ("Z", "UTC") else zone))
    return int((start - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


AZURE: Final = Format(
    name="Azure trace",
    looks="Azure CSV (TIMESTAMP, ContextTokens, GeneratedTokens)",
    knows=COLUMNS.issubset,
    reader=lambda _: Reader(_request, Clock(from_first=True)),
)
