"""From the text of a start-up log to what its engine reads in it."""

from pathlib import Path
from typing import Final

from kvviz.engines.logged import LoggedRun
from kvviz.engines.registry import engines

MAX_BYTES: Final = 50_000_000


class LogError(ValueError):
    """A text that holds no line of a known engine; one sentence."""


def read_log(text: str) -> LoggedRun:
    """Return what a start-up log says, as the engine reads it that finds the most figures in it.

    Args:
        text: the log, whole or in part, with any prefixes; GB is read as the GiB that it means.

    Raises:
        LogError: no line of it is one that an engine prints.
    """
    runs = [run for engine in engines().values() if (run := engine.read(text)) is not None]
    if not runs:
        labels = [engine.label for engine in engines().values() if engine.versions]
        raise LogError(
            f"the text holds no start-up line of {' or '.join(labels)}; expected lines such as "
            "'Model loading took 14.99 GiB' or 'GPU KV cache size: 476,016 tokens'"
        )
    return max(runs, key=lambda run: len(run.spans))


def read_log_file(path: Path) -> LoggedRun:
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
