"""Texts of a log or a table as typed fields of a `LoggedRun`: each is read once."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final

from kvviz.engines.logged import LoggedRun

MOST: Final = 10**9  # of a setting: larger ones are no sizes of anything
LARGEST: Final = 10**15  # of a figure: no GPU holds as many tokens or GiB


def number(name: str, value: str | float) -> float:
    """Return a number, thousands separators aside.

    Raises:
        ValueError: it is none; one sentence that begins with `name`.
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
    """Return a whole number from 1 on; raises ValueError, in one sentence, if it is none."""
    found = number(name, value)
    if found != int(found) or not 1 <= found <= MOST:
        raise ValueError(f"{name} is {found:g}, not a whole number of at least 1")
    return int(found)


def count(name: str, value: str | float) -> int:
    """Return a whole number; raises ValueError, in one sentence, if it is none."""
    found = number(name, value)
    if found != int(found):
        raise ValueError(f"{name} is {found:g}, not a whole number")
    return int(found)


def text(_name: str, value: str | float) -> str:
    """Return a text as it is."""
    return str(value)


def truth(_name: str, value: str | float) -> bool:
    """Return whether a text says true."""
    return str(value).casefold() == "true"


COUNTS: Final = frozenset({"gpu_blocks", "kv_tokens", "concurrency_at"})
READERS: Final[dict[object, Callable[[str, str | float], Any]]] = {
    str: text,
    int | None: whole,
    float | None: number,
    bool | None: truth,
}
"""How a field of a type is read; of fields of other types, engines say what they mean."""

READ: Final = {
    found.name: count if found.name in COUNTS else READERS[found.type]
    for found in fields(LoggedRun)
    if found.type in READERS
}


def typed(values: Mapping[str, str | float]) -> dict[str, Any]:
    """Return the fields of a `LoggedRun`; what is no value of its field goes to ``unread``.

    Args:
        values: texts and figures by name; names that no field has are left out.
    """
    found: dict[str, Any] = {}
    unread = {}
    for name in READ.keys() & values.keys():
        try:
            found[name] = READ[name](name, values[name])
        except ValueError as error:
            unread[name] = str(error)
    return {**found, "unread": unread}
