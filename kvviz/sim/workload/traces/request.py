"""One request of a trace, and the typed reading of the values that describe it."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

Fields = Mapping[str, Any]  # the cells of a CSV row by column, or a JSON object

MOST_TOKENS: Final = 10**9  # far above any model's context
LAST_NS: Final = 2**63 - 1
_DECIMAL: Final = re.compile(r"\s*(\d{1,20}(?:\.\d{0,30})?(?:[eE][-+]?\d{1,2})?)\s*", re.ASCII)


class RowError(ValueError):
    """A request that cannot be read; one sentence says what was wrong and what was expected."""


class Request(NamedTuple):
    """A request as its row says it.

    Args:
        arrival: nanoseconds, or engine steps.
        prompt: its tokens.
        output: tokens it asks for.
        ids: of the pieces of text with which its prompt begins; see `Pieces`.
        tokens: of these pieces.
        name: what the trace calls it.
    """

    arrival: int
    prompt: int
    output: int
    ids: Sequence[int] = ()
    tokens: Sequence[int] = ()
    name: str = ""


def value(fields: Fields, key: str, need: str) -> Any:
    """Return a required value.

    Raises:
        RowError: it is not there.
    """
    found = fields.get(key)
    if found is None:
        raise RowError(f"{key} is missing, expected {need}.")
    return found


def whole(fields: Fields, key: str, low: int = 0, high: int = LAST_NS) -> int:
    """Return a whole number from `low` to `high`.

    Raises:
        RowError: the value is something else.
    """
    found = fields.get(key)
    if isinstance(found, str) and found.isascii() and (text := found.strip()).isdigit():
        found = int(text) if len(text) < 20 else found
    if type(found) is int and low <= found <= high:
        return found
    need = f"a whole number from {low:,} to {high:,}"
    raise wrong(key, value(fields, key, need), need)


def tokens(fields: Fields, key: str) -> int:
    """Return a number of tokens, at least 1.

    Raises:
        RowError: the value is something else.
    """
    return whole(fields, key, 1, MOST_TOKENS)


def nanoseconds(fields: Fields, key: str, per_unit: int = 10**9) -> int:
    """Return a time of at least 0, rounded to whole nanoseconds.

    Args:
        fields: where the time is.
        key: its name.
        per_unit: nanoseconds of the unit in which it is written, by default a second.

    Raises:
        RowError: the value is no such time, or past the year 292 of its clock.
    """
    found: Any = fields.get(key)
    if isinstance(found, str) and (match := _DECIMAL.fullmatch(found)):
        found = Decimal(match[1])
    number = type(found) is int or (isinstance(found, Decimal) and found.is_finite())
    # Bounded before it is multiplied: 1e99 would become an integer of as many digits.
    if number and 0 <= found <= LAST_NS:
        exact: int = round(found * per_unit)
        if exact <= LAST_NS:
            return exact
    need = f"a number from 0 to {LAST_NS // per_unit:,}"
    raise wrong(key, value(fields, key, need), need)


def wrong(key: str, found: object, need: str) -> RowError:
    """Return the error of a value that is not what its key holds."""
    shown = str(found) if isinstance(found, Decimal) else repr(found)
    shown = f"a list of {len(found)}" if isinstance(found, list) else shown
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return RowError(f"{key} is {shown}, expected {need}.")
