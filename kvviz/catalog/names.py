"""Looking a catalog entry up by a name typed by hand."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


class UnknownName(LookupError):  # noqa: N818 - it reads as what happened
    """No entry of a catalog, or more than one, goes by a name; the message is one sentence."""

    def __str__(self) -> str:
        """Return the sentence itself, without the quotes that some lookup errors add."""
        return str(self.args[0]) if self.args else ""


def plain(name: str) -> str:
    """Return a name in lower case with its letters and digits only."""
    return re.sub(r"[\W_]+", "", name.casefold())


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Return up to ``limit`` known names that look most like ``name``, the nearest first."""
    wanted, scored = plain(name), []
    for candidate in known:
        forms = {plain(candidate), plain(_tail(candidate))}
        scored.append((max(_likeness(wanted, form) for form in forms), candidate))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return [candidate for _, candidate in scored[:limit]]


def find_named(name: str, entries: Mapping[str, T], kind: str) -> T:
    """Return the entry a name means, ignoring case and punctuation.

    Args:
        name: a key of ``entries``, or the part of one after its slash when that is unique.
        entries: the catalog, by full name.
        kind: what an entry is, for the message, such as ``model`` or ``GPU``.

    Raises:
        UnknownName: nothing goes by the name, or several entries do; it names the nearest.
    """
    if name in entries:
        return entries[name]
    found = _matches(name, entries)
    if len(found) == 1:
        return entries[found[0]]
    if found:
        raise UnknownName(f"{name!r} means more than one {kind}: {', '.join(found)}.")
    close = ", ".join(nearest(name, entries)) or "none, as the catalog is empty"
    raise UnknownName(f"Unknown {kind} {_short(name)!r}; the nearest known: {close}.")


def _matches(name: str, known: Iterable[str]) -> list[str]:
    """Return the names equal to ``name`` but for case and punctuation, else equal in their tail."""
    wanted, names = plain(name), list(known)
    whole = [candidate for candidate in names if plain(candidate) == wanted]
    return whole or [candidate for candidate in names if plain(_tail(candidate)) == wanted]


def _likeness(wanted: str, candidate: str) -> float:
    """Return how alike two plain names are; one inside the other counts most."""
    ratio = difflib.SequenceMatcher(None, wanted[:80], candidate).ratio()
    inside = bool(wanted) and (wanted in candidate or candidate in wanted)
    return ratio + (0.5 if inside else 0.0)


def _tail(name: str) -> str:
    """Return the part of a name after its last slash."""
    return name.rsplit("/", 1)[-1]


def _short(name: str) -> str:
    """Return a name cut to a length that fits one sentence."""
    return name if len(name) <= 60 else name[:57] + "..."
