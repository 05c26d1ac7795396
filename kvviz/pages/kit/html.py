"""Pieces of HTML: numbers that follow the playhead, and colour chips."""

import re
from html import escape
from typing import Final

from kvviz import units

UNIT: Final = re.compile(r"(?<=\d) (?=[KMG]?i?B\b)")
RIBBON = '<i class="ribbon" aria-hidden="true">' + "<i></i>" * 8 + "</i>"


def live(name: str, unit: str, title: str = "computed") -> str:
    """Return an element that shows column `name` of the playhead's row.

    Args:
        name: a column of the player's totals.
        unit: how it is spelled: gib, gib1, count, percent, percent0, equals (a percentage after
            its sign), fall (a share less), or with its unit: size, amount (GiB where it is enough
            to show) and change.
        title: how the number is known, shown on hover; one that rests on the GPU's capacity takes
            the capacity's kind.
    """
    return f'<b data-live="{name}" data-unit="{unit}" title="{escape(title)}"></b>'


def share(part: float, digits: int = 0) -> str:
    """Return a share as HTML, spelled as `units.share` does."""
    return escape(units.share(part, digits))


def chip(role: str) -> str:
    """Return a colour chip of a theme role, or the eight-stripe ribbon for sequences."""
    return RIBBON if role == "kv" else f'<i class="chip {role}" aria-hidden="true"></i>'


def row(label: str, value: str) -> str:
    """Return a line with a label at the left and a value at the right."""
    return f'<div class="row"><span>{label}</span><span>{value}</span></div>'


def text_card(title: str, *parts: str, kind: str = "computed") -> str:
    """Return a card of HTML under a title, marked unless its numbers are all computed.

    Numbers stay on one line with their units.
    """
    mark = "" if kind == "computed" else f"<small>{kind}</small> "
    text = UNIT.sub("&nbsp;", "".join(parts))
    return f'<section class="live card"><h2>{title}</h2>{mark}{text}</section>'


def many(count: int, noun: str) -> str:
    """Return a count with its noun, as in ``1 page`` or ``3 pages``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def short(name: str) -> str:
    """Return a model's name without its owner."""
    return name.rsplit("/", 1)[-1]


def problem_text(text: str) -> str:
    """Return the line that says what is wrong with the settings, empty if nothing is."""
    return f'<p role="alert">{escape(text)}</p>' if text else ""
