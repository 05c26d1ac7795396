"""JSON read item by item, so that a list of any length takes no more room than its longest item."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from kvviz.sim.workload.traces.text import TraceError, TraceText, not_utf8

CHUNK: Final = 1 << 20
LONGEST_ITEM: Final = 1 << 28  # characters
SPACE: Final = " \t\r\n"


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


# Decimals, since a binary fraction does not hold nanoseconds exactly.
_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)


def decoded(text: str) -> Any:
    """Return one JSON value, its fractions as decimals.

    Raises:
        ValueError: the text is not JSON.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


class JsonText:
    """A cursor in JSON text, which reads on as it moves."""

    def __init__(self, text: TraceText) -> None:
        self._text, self._buffer, self._at = text, "", 0
        self._line, self._counted = 1, 0  # the line of a position at or before the cursor

    def items(self) -> Iterator[tuple[int, Any]]:
        """Yield each item of a list with its line.

        Raises:
            TraceError: the text is not a JSON list.
        """
        self._take("[")
        if self._next() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self._take(",]") == "]":
                return

    def members(self) -> Iterator[str]:
        """Yield each key of an object; its value has to be read before the next is asked for.

        Raises:
            TraceError: the text is not a JSON object.
        """
        self._take("{")
        if self._next() == "}":
            self._at += 1
            return
        while True:
            line, key = self.value()
            if not isinstance(key, str):
                raise TraceError(f"not JSON: {key!r} is not the name of a value.", line)
            self._take(":")
            yield key
            if self._take(",}") == "}":
                return

    def end(self) -> None:
        """Check that nothing follows.

        Raises:
            TraceError: something does.
        """
        if self._next():
            raise TraceError("not JSON: something follows the end.", self._here(self._at))

    def value(self) -> tuple[int, Any]:
        """Return the next value with the line in which it begins.

        Raises:
            TraceError: it is not JSON.
        """
        self._next()
        line = self._here(self._at)
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if not self._cut_off(error) or not self._more():
                    raise self._wrong(error) from None
            except (ValueError, RecursionError) as error:
                deep = isinstance(error, RecursionError)
                reason = "it is nested too deep" if deep else str(error)
                raise TraceError(f"not JSON: {reason}.", line) from None
            else:
                # A number at the end of what has been read may go on.
                if end < len(self._buffer) or not self._more():
                    self._at = end
                    return line, value

    def _cut_off(self, error: json.JSONDecodeError) -> bool:
        """Tell whether an error can come from text that goes on past what has been read."""
        near = error.pos > len(self._buffer) - 16 or error.msg.startswith("Unterminated")
        return near and len(self._buffer) - self._at < LONGEST_ITEM

    def _wrong(self, error: json.JSONDecodeError) -> TraceError:
        return TraceError(f"not JSON: {error.msg}.", self._here(error.pos))

    def _here(self, position: int) -> int:
        """Return the line of a position from the cursor on."""
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line + self._buffer.count("\n", self._at, position)

    def _next(self) -> str:
        """Move past white space; return the character there, empty at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in SPACE:
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _take(self, wanted: str) -> str:
        found = self._next()
        if not found or found not in wanted:
            shown = repr(found) if found else "the end"
            need = " or ".join(wanted)
            raise TraceError(f"not JSON: {shown} where {need} was expected.", self._here(self._at))
        self._at += 1
        return found

    def _more(self) -> bool:
        """Drop what lies behind, and read at least as much again as lies ahead."""
        line, rest = self._here(self._at), self._buffer[self._at :]
        try:
            read = self._text.read(max(CHUNK, len(rest)))
        except UnicodeDecodeError:
            raise not_utf8(line) from None
        self._buffer, self._at, self._counted = rest + read, 0, 0
        return bool(read)
