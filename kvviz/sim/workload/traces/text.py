"""The text of a trace, read piece by piece: from a path, contents or a stream, gzipped or not."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

Source = Path | bytes | str | BinaryIO

HEAD: Final = 1 << 16  # bytes looked at to recognise a format
LONGEST_LINE: Final = 1 << 24


class TraceError(ValueError):
    """A trace that cannot be read; one sentence says where, what was wrong, what was expected.

    Args:
        sentence: the message.
        line: number of the line, from 1; None where it concerns the whole file.
    """

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence if line is None else f"Line {line:,}: {sentence}")
        self.line = line


class TraceText(io.TextIOWrapper):
    """UTF-8 text that knows its beginning, unpacks gzip, and stops at a limit.

    Args:
        source: a path, the contents as bytes or text, or an open binary stream.
        limit_bytes: most bytes of unpacked text to read; None for no limit.

    Raises:
        OSError: the path cannot be read.
        TraceError: the gzip is damaged, or the limit is exceeded; while reading, too.
    """

    def __init__(self, source: Source, limit_bytes: int | None = None) -> None:
        packed = io.BufferedReader(_raw(source))
        gzipped = packed.peek(2)[:2] == b"\x1f\x8b"
        stream = gzip.GzipFile(fileobj=packed) if gzipped else packed
        limited = io.BufferedReader(_Limited(stream, packed, limit_bytes), HEAD)
        super().__init__(limited, encoding="utf-8-sig", newline="")
        self.head = limited.peek(HEAD)[:HEAD].decode("utf-8-sig", errors="ignore")

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield every line with its number.

        Raises:
            TraceError: a line is not UTF-8, or longer than 16 MiB.
        """
        number = 0
        try:
            while line := self.readline(LONGEST_LINE):
                number += 1
                if len(line) == LONGEST_LINE:
                    raise TraceError("it is longer than 16 MiB, expected one request.", number)
                yield number, line
        except UnicodeDecodeError:
            raise not_utf8(number + 1) from None


def not_utf8(line: int) -> TraceError:
    """Return the error of text in another encoding, found after the lines before `line`."""
    return TraceError("it, or one soon after, is not UTF-8 text.", line)


def _raw(source: Source) -> Any:
    if isinstance(source, Path):
        return source.open("rb", buffering=0)
    if isinstance(source, str):
        return io.BytesIO(source.encode())
    return io.BytesIO(source) if isinstance(source, bytes) else source


class _Limited(io.RawIOBase):
    """A stream that ends in an error where it goes past a limit; closing it closes the file."""

    def __init__(self, stream: Any, file: Any, limit: int | None) -> None:
        self._stream, self._file = stream, file
        self._limit, self._read = limit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            found = self._stream.read1(len(buffer))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise TraceError(f"The gzip file is damaged: {error}.") from None
        self._read += len(found)
        if self._limit is not None and self._read > self._limit:
            raise TraceError(f"The trace is longer than {self._limit:,} bytes, the limit.")
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        self._file.close()
        super().close()
