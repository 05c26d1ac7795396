"""Texts of a log or a table as typed fields of a `LoggedRun`, each read once."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final

from kvviz.engines.logged import LoggedRun

MOST: Final = 10**9  # no setting is larger
LARGEST: Final = 10**15  # no figure is larger: no GPU holds as many tokens or GiB


def number(name: str, value: str | float) -> float:
    """Return a number, without thousands separators.

    Raises:
        ValueError: it is not a number, or too large; one sentence that begins with `name`.
    """
    try:
        found = float(value.replace(",", "").replace("_", "") if isinstance(value, str) else value)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{name} is {str(value)[:40]!r}, not a number")
    if abs(found) > LARGEST:
        raise ValueError(f"{name} is {found:g}, more than any engine logs")
    return found


def whole(name: str, value: str | float) -> int:
    """Return a whole number of at least 1; raises ValueError, in one sentence, if it is not one."""
    found = number(name, value)
    if found != int(found) or not 1 <= found <= MOST:
        raise ValueError(f"{name} is {found:g}, not a whole number of at least 1")
    return int(found)


def count(name: str, value: str | float) -> int:
    """Return a whole number; raises ValueError, in one sentence, if it is not one."""
    found = number(name, value)
    if found != int(found):
        raise ValueError(f"{name} is {found:g}, not a whole number")
    return int(found)


def text(_name: str, value: str | float) -> str:
    """Return a text unchanged."""
    return str(value)


def truth(_name: str, value: str | float) -> bool:
    """Return whether a text is true."""
    return str(value).casefold() == "true"


COUNTS: Final = frozenset({"gpu_blocks", "kv_tokens", "concurrency_at"})
READERS: Final[dict[object, Callable[[str, str | float], Any]]] = {
    str: text,
    int | None: whole,
    float | None: number,
    bool | None: truth,
}
"""How a field of each type is read; engines set the fields of other types."""

READ: Final = {
    found.name: count if found.name in COUNTS else READERS[found.type]
    for found in fields(LoggedRun)
    if found.type in READERS
}


def typed(values: Mapping[str, str | float]) -> dict[str, Any]:
    """Return the fields of a `LoggedRun`; invalid values go to ``unread``.

    Args:
        values: texts and figures by name; names without a field are left out.
    """
    found: dict[str, Any] = {}
    unread = {}
    for name in READ.keys() & values.keys():
        try:
            found[name] = READ[name](name, values[name])
        except ValueError as error:
            unread[name] = str(error)
    return {**found, "unread": unread}
