"""Reading a start-up log of vLLM 0.5 and later or SGLang; unknown lines are passed over."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kvviz.accuracy.log_lines import (
    CAPS,
    DEVICE,
    FAILURES,
    FIRST,
    HIGHEST,
    LORA,
    LOWEST,
    NUMBERS,
    OLDER,
    RANK,
    SETTING,
    SETTINGS,
    SETTINGS_LINE,
    SGLANG,
    VERSIONS,
)

MAX_BYTES: Final = 50_000_000
MAX_LINE: Final = 10_000  # characters of a line that are read
MIN_LINE: Final = 8  # shorter ones say nothing
ROUNDED: Final = 0.006  # of a share that is logged with two decimals
SAYS_NOTHING: Final = ("None", "null", "", "auto", "-1")


class LogError(ValueError):
    """A text that holds no line of a known engine; one sentence."""


@dataclass(frozen=True)
class StartupLog:
    """What a log says, each value once.

    Args:
        facts: texts by name, as the columns of the table of logs where they have one.
        numbers: sizes in GiB and counts by name.
        lines: the lines that said something, as (line number, text).
        failure: the line that says why the start failed, empty where none does.
        ranks: every figure that was logged, by name: one a rank, in the order of the lines.
        spans: where each figure stands, as (line number, first column, column after the last).
    """

    facts: dict[str, str]
    numbers: dict[str, float]
    lines: tuple[tuple[int, str], ...]
    failure: str
    ranks: dict[str, tuple[float, ...]]
    spans: tuple[tuple[int, int, int], ...]


@dataclass
class _Reader:
    facts: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    spans: list[tuple[int, int, int]] = field(default_factory=list)
    lines: list[tuple[int, str]] = field(default_factory=list)
    failure: str = ""

    def take(self, number: int, line: str) -> None:
        """Read one line."""
        said = self._numbers(number, line) | self._settings(line) | self._names(line)
        failed = FAILURES.search(line)
        if failed and not self.failure:
            self.failure = line[max(0, failed.start() - 200) :].strip()[:600]
        if said or failed:
            self.lines.append((number, line.strip()))

    def _numbers(self, number: int, line: str) -> bool:
        said = False
        for pattern, names in NUMBERS:
            found = pattern.search(line)
            for group, name in enumerate(names if found else (), 1):
                assert found is not None
                value = _number(found[group])
                if value is not None and not self._said_before(name, line):
                    self.values.setdefault(name, []).append(value)
                    self.spans.append((number, *found.span(group)))
                    said = True
        return said

    def _said_before(self, name: str, line: str) -> bool:
        """Return whether only the first figure of a rank counts, and it has been said."""
        if name not in FIRST:
            return False
        key = name, " ".join(RANK.findall(line))
        before = key in self.seen
        self.seen.add(key)
        return before

    def _settings(self, line: str) -> bool:
        if not SETTINGS_LINE.search(line):
            return False
        for name, value in SETTING.findall(line):
            if value not in SAYS_NOTHING:
                self.facts.setdefault(SETTINGS[name], value.removeprefix("torch."))
        return True

    def _names(self, line: str) -> bool:
        said = False
        for engine, pattern in VERSIONS:
            found = pattern.search(line)
            if found:
                self.facts.setdefault("engine", engine)
                self.facts.setdefault("engine_version", found[1])
                said = True
        if SGLANG.search(line):
            self.facts.setdefault("engine", "sglang")
        if OLDER.search(line):
            self.facts.setdefault("core", "V0")
        for name, cap in CAPS:
            if cap.search(line):
                self.facts.setdefault("cap", f"{name} sets the cache's size")
        if LORA.search(line):
            self.facts.setdefault("lora", "true")
        device = DEVICE.search(line)
        if device:
            self.facts.setdefault("gpu", device[1].replace("_", " "))
        return said


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def read_log(text: str) -> StartupLog:
    """Return what a start-up log says.

    Args:
        text: the log, whole or in part, with any prefixes; GB is read as the GiB that it means.

    Raises:
        LogError: no line of it is one that vLLM or SGLang prints.
    """
    reader = _Reader()
    for number, line in enumerate(_lines(text), 1):
        if len(line) >= MIN_LINE:
            reader.take(number, line[:MAX_LINE])
    if not reader.values and not reader.failure:
        raise LogError(
            "the text holds no start-up line of vLLM or SGLang; expected lines such as "
            "'Model loading took 14.99 GiB' or 'GPU KV cache size: 476,016 tokens'"
        )
    reader.facts.setdefault("engine", "vllm")
    numbers = {name: _one(name, values) for name, values in reader.values.items()}
    ranks = {name: tuple(values) for name, values in reader.values.items()}
    lines, spans = tuple(reader.lines), tuple(dict.fromkeys(reader.spans))
    return StartupLog(reader.facts, _derived(numbers), lines, reader.failure, ranks, spans)


def _lines(text: str) -> Iterator[str]:
    return iter(re.sub(r"\x1b\[[\d;]*m", "", text).splitlines())


def _one(name: str, values: list[float]) -> float:
    if name in LOWEST:
        return min(values)
    return max(values) if name in HIGHEST else values[-1]


def _derived(numbers: dict[str, float]) -> dict[str, float]:
    """Add what follows from the log's own figures."""
    found = dict(numbers)
    if "k_size" in found and "v_size" in found:
        found.setdefault("kv_budget", found["k_size"] + found["v_size"])
    if "free_after" in found:  # SGLang
        if "weights" in found:
            found.setdefault("free", found["free_after"] + found["weights"])
        elif "free" in found:
            found["weights"] = found["free"] - found["free_after"]
    share = found.get("percent", 0) / 100
    if share and abs(share - found.get("utilization", share)) < ROUNDED:
        found["utilization"] = share
    if "torch_peak" in found and "weights" in found:  # vLLM 0.6: the peak holds the weights
        found.setdefault("activation", found["torch_peak"] - found["weights"])
    if "total" in found and "utilization" in found:
        found.setdefault("requested", found["total"] * found["utilization"])
    asked = found.get("concurrency", 0) * found.get("length", 0)
    if found.get("blocks") and asked:  # before 0.8 the tokens follow from whole blocks
        found.setdefault("tokens", found["blocks"] * round(asked / found["blocks"]))
    return found


def read_log_file(path: Path) -> StartupLog:
    """Return what a log file says.

    Raises:
        LogError: it cannot be read, is too large, or holds no known line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise LogError(f"cannot read {str(path)!r}: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise LogError(f"the log is larger than {MAX_BYTES // 10**6} MB, the most read")
    return read_log(content.decode("utf-8", errors="replace"))
