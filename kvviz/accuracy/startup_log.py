"""From the text of a start-up log to its figures and settings."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import Final

from kvviz.engines.logged import LoggedRun
from kvviz.engines.registry import engines

MAX_BYTES: Final = 50_000_000


class LogError(ValueError):
    """A text without any line of a known engine; one sentence."""


def read_log(text: str) -> LoggedRun:
    """Return what a start-up log says, read by the engine that finds the most figures in it.

    Args:
        text: the log, whole or in part, with any prefixes; GB in it means GiB, and is read so.

    Raises:
        LogError: no line of it is one that an engine prints.
    """
    runs = [run for engine in engines().values() if (run := engine.read(text)) is not None]
    if not runs:
        labels = [engine.label for engine in engines().values() if engine.versions]
        raise LogError(
            f"the text contains no {' or '.join(labels)} start-up line; expected lines such as "
            "'Model loading took 14.99 GiB' or 'GPU KV cache size: 476,016 tokens'"
        )
    return max(runs, key=lambda run: len(run.spans))


def read_log_file(path: Path) -> LoggedRun:
    """Return what a log file says.

    Raises:
        LogError: it cannot be read, is too large, or contains no known line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise LogError(f"cannot read {str(path)!r}: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise LogError(f"the log is larger than {MAX_BYTES // 10**6} MB, the limit")
    return read_log(content.decode(_encoding(content), errors="replace"))


def _encoding(content: bytes) -> str:
    """Return UTF-16 where a byte order mark says so, as PowerShell writes; else UTF-8."""
    return "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8"
