"""Log lines that say why a start failed, with those of PyTorch and Transformers."""

import re
from collections.abc import Iterable
from typing import Any, Final

from kvviz.engines.lines import compiled
from kvviz.engines.logged import Cause, Failure

BEFORE, MOST = 200, 600  # characters kept of a failing line: before the match, and in total
IN_GIB: Final = {"K": 2.0**-20, "M": 2.0**-10, "G": 1.0}
COUNTS: Final = ("length", "tokens")

FailureLine = tuple[Cause, re.Pattern[str], tuple[str, ...]]


def failure_lines(*lines: tuple[Cause, str, str]) -> tuple[FailureLine, ...]:
    """Return lines to look for: a cause, a pattern, and the field of each group.

    A pattern is written as in `kvviz.engines.lines.figures`; a group ``unit`` is K, M or G.
    """
    return tuple((cause, compiled(text), tuple(names.split())) for cause, text, names in lines)


OF_LIBRARIES: Final = failure_lines(
    ("out_of_memory", r"out of memory\. tried to allocate <n> ([KMG])iB", "needed_gib unit"),
    ("unnamed", r"out of memory\. tried", ""),
    ("unknown_architecture", r"does not recognize this architecture", ""),
)


def failure_in(line: str, known: Iterable[FailureLine]) -> Failure | None:
    """Return the failure in a line, by the first pattern found in it, None if there is none."""
    for cause, pattern, names in known:
        if found := pattern.search(line):
            shown = line[max(0, found.start() - BEFORE) :].strip()[:MOST]
            return Failure(cause, shown, **_values(found, names))
    return None


def _values(found: re.Match[str], names: tuple[str, ...]) -> dict[str, Any]:
    texts = dict(zip(names, found.groups(), strict=True))
    scale = IN_GIB[texts.pop("unit", "G").upper()]
    values = {name: float(text.replace(",", "")) * scale for name, text in texts.items()}
    return {name: int(value) if name in COUNTS else value for name, value in values.items()}
