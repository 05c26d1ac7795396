"""The lines of a start-up log, read by the patterns of an engine."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from kvviz.engines.fields import typed
from kvviz.engines.logged import Failure, LoggedRun, Span

NUMBER: Final = r"(\d(?:[\d,]{0,17}\d)?(?:\.\d{1,12})?)"
PLACES: Final = {"<size>": NUMBER + r"\s?Gi?B", "<n>": NUMBER}  # GB is printed for GiB
MAX_LINE: Final = 10_000  # characters read per line
MIN_LINE: Final = 8  # characters; shorter lines are skipped
COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")
SAYS_NOTHING: Final = ("None", "null", "", "auto", "-1")  # settings left to the engine
# Which of several ranks' figures is used: the tightest GPU's; else the last.
LOWEST: Final = frozenset({"kv_cache_gib", "gpu_blocks", "free_before_gib", "free_after_gib"})
HIGHEST: Final = frozenset(
    {
        *("weights_gib", "activation_peak_gib", "non_torch_gib"),
        *("cuda_graphs_gib", "captured_graphs_gib"),
    }
)
# Only the first figure per rank is used: a draft model loads later, into what is left.
FIRST: Final = frozenset({"free_before_gib", "free_after_gib"})
RANK: Final = re.compile(r"\b(?:DP|PP|TP|EP)\d{1,4}\b|\brank=\d{1,4}\b")
DEVICE: Final = re.compile(
    r"(?:NVIDIA|Tesla|AMD[ _]Instinct)[ _](?:GeForce[ _]|Tesla[ _]|AMD[ _])?"
    r"((?:RTX[ _])?(?:PRO[ _])?[A-Z]*\d{1,4}[A-Z]*"
    r"(?:[-_ ](?:SXM\d?|PCI[eE]|NVL|Ti|D|Ada|\d+ ?GB)(?![A-Za-z0-9]))*)"
)

FigureLine = tuple[re.Pattern[str], tuple[str, ...]]
Figures = Mapping[str, float]  # sizes in GiB and counts by name


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern in which ``<size>`` stands for a size in GiB and ``<n>`` for a number."""
    for place, meant in PLACES.items():
        pattern = pattern.replace(place, meant)
    return re.compile(pattern, re.IGNORECASE)


def figures(*lines: tuple[str, str]) -> tuple[FigureLine, ...]:
    """Return lines with figures: a pattern, and the names of its groups with spaces between."""
    return tuple((compiled(pattern), tuple(names.split())) for pattern, names in lines)


OF_PYTORCH: Final = figures(("total capacity of <size>", "total_gpu_memory_gib"))
"""What PyTorch prints of the device when memory runs out, whichever engine runs."""


class Printer(Protocol):
    """An engine, as far as reading its lines needs it."""

    @property
    def name(self) -> str:
        """Its name in settings."""

    def failure(self, line: str) -> Failure | None:
        """Return why a start failed if a line says so, else None."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The lines of a log that list settings.

    Args:
        line: what such a line contains.
        names: the field of `LoggedRun` of each setting, by its name in the log.
    """

    line: re.Pattern[str]
    names: Mapping[str, str]

    def read(self, line: str) -> Iterator[tuple[str, str]]:
        """Yield the fields that a line sets, with their texts."""
        if not self.line.search(line):
            return
        pair = rf"""['"]?\b({"|".join(self.names)})['"]?\s*[=:]\s*['"]?([^,'"}}\)\s]+)"""
        for name, value in re.findall(pair, line):
            if value not in SAYS_NOTHING:
                yield self.names[name], value.removeprefix("torch.")


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines to read of an engine's start-up log.

    Args:
        figures: lines with sizes and counts.
        settings: lines that list settings.
        named: texts by field, such as a version: the group of the pattern.
        signs: lines that set a field by being there: a pattern, the field and its value.
        own: what only this engine prints; a log without it is not read. None to read any log.
    """

    figures: tuple[FigureLine, ...]
    settings: Settings | None = None
    named: tuple[tuple[str, re.Pattern[str]], ...] = ()
    signs: tuple[tuple[re.Pattern[str], str, Any], ...] = ()
    own: re.Pattern[str] | None = None

    def texts(self, line: str) -> Iterator[tuple[str, str]]:
        """Yield the text fields in a line: settings, versions, and the GPU."""
        if self.settings:
            yield from self.settings.read(line)
        for name, pattern in self.named:
            if found := pattern.search(line):
                yield name, found[1]
        if found := DEVICE.search(line):
            yield "gpu", found[1].replace("_", " ")

    def read(
        self, engine: Printer, log: str, derived: Callable[[Figures], Figures] = dict
    ) -> LoggedRun | None:
        """Return what a log says, None if there is no figure and no failure in it.

        Args:
            engine: whose lines these are.
            log: the text, whole or in part, with any prefixes.
            derived: adds the figures that follow from others.
        """
        if self.own and not self.own.search(log):
            return None
        reader = _Reader(self, engine)
        for number, line in enumerate(COLOUR.sub("", log).splitlines(), 1):
            if len(line) >= MIN_LINE:
                reader.take(number, line[:MAX_LINE])
        if not reader.values and reader.failure is None:
            return None
        return reader.run(derived)


@dataclass(slots=True)
class _Reader:
    lines: Lines
    engine: Printer
    values: dict[str, list[float]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    signs: dict[str, Any] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    spans: dict[Span, None] = field(default_factory=dict)  # in order, each once
    failure: Failure | None = None

    def take(self, number: int, line: str) -> None:
        """Read one line."""
        for pattern, names in self.lines.figures:
            if found := pattern.search(line):
                self._figures(number, found, names)
        for name, text in self.lines.texts(line):
            self.texts.setdefault(name, text)
        for pattern, name, meant in self.lines.signs:
            if pattern.search(line):
                self.signs.setdefault(name, meant)
        self.failure = self.failure or self.engine.failure(line)

    def _figures(self, number: int, found: re.Match[str], names: tuple[str, ...]) -> None:
        for group, name in enumerate(names, 1):
            if not self._said_before(name, found.string):
                self.values.setdefault(name, []).append(float(found[group].replace(",", "")))
                self.spans[number, *found.span(group)] = None

    def _said_before(self, name: str, line: str) -> bool:
        """Return whether only the first figure per rank is used, and was read already."""
        if name not in FIRST:
            return False
        key = name, " ".join(RANK.findall(line))
        before = key in self.seen
        self.seen.add(key)
        return before

    def run(self, derived: Callable[[Figures], Figures]) -> LoggedRun:
        """Return the run: figures replace settings, except that a max_model_len setting is kept."""
        found = derived({name: _one(name, values) for name, values in self.values.items()})
        length = {"max_model_len": found["concurrency_at"]} if "concurrency_at" in found else {}
        return LoggedRun(
            **typed({"engine": self.engine.name, **length, **self.texts, **found}),
            **self.signs,
            kv_cache_of_ranks=tuple(self.values.get("kv_cache_gib", ())),
            failure=self.failure,
            spans=tuple(self.spans),
        )


def _one(name: str, values: list[float]) -> float:
    if name in LOWEST:
        return min(values)
    return max(values) if name in HIGHEST else values[-1]
