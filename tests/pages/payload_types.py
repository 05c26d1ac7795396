"""What the pages' ``.d.ts`` files say that Python sends, and where a value is something else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from bokeh.model import Model
from panel.viewable import Viewable

DECLARED = re.compile(r"export (?:interface (\w+)(?: extends (\w+))? |type (\w+) = )")
FIELD = re.compile(r"(?:(\w+)(\??)|\[\w+: .+?\]): (.+)", re.DOTALL)
ARRAYS = {"Float64Array": {"f8"}, "Int32Array": {"i4"}}
ARRAYS["Whole"] = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4)}
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "number": (int, float, np.integer, np.floating),
    "unknown": (object,),
    "Figure": (Viewable, Model),
}


@dataclass
class Types:
    """Types by their name, as they are written."""

    declared: dict[str, str] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, *paths: Path) -> Self:
        """Read files; a name that several declare is the last one's."""
        types = cls()
        for path in paths:
            text = re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
            for found in DECLARED.finditer(text):
                interface, base, alias = found.groups()
                name, rest = interface or alias, text[found.end() :]
                end = next(at for at in _breaks(rest, "\n") if rest[:at].strip())
                types.declared[name] = rest[:end].strip()
                if base:
                    types.bases[name] = base
        return types

    def fields(self, name: str) -> dict[str, str]:
        """Return an interface's fields; one that may be left out ends in a question mark."""
        base = self.fields(self.bases[name]) if name in self.bases else {}
        return base | _fields(self.declared[name])

    def named_in(self, name: str) -> set[str]:
        """Return the names that a declared type rests on, its own too."""
        found, new = set[str](), {name}
        while new:
            found |= new
            texts = [self.declared[each] + " " + self.bases.get(each, "") for each in new]
            new = {*re.findall(r"\w+", " ".join(texts))} & self.declared.keys() - found
        return found

    def wrong(self, kind: str, value: Any, where: str) -> list[str]:
        """Return, a sentence each, where a value is not of a type."""
        kind = kind.strip()
        choices = [kind[a:b] for a, b in _parts(kind, "|")]
        if len(choices) > 1:
            return min((self.wrong(choice, value, where) for choice in choices), key=_how_far)
        if kind in self.declared and kind not in KINDS and kind not in ARRAYS:
            if self.declared[kind].startswith("{"):
                return self._wrong_fields(self.fields(kind), value, where)
            return self.wrong(self.declared[kind], value, where)
        return list(self._wrong_written(kind, value, where))

    def _wrong_written(self, kind: str, value: Any, where: str) -> Iterator[str]:
        if kind.endswith("[]"):
            if not isinstance(value, list | tuple):
                yield f"{where} is {value!r:.60}; expected {kind}."
            else:
                for i, each in enumerate(value):
                    yield from self.wrong(kind[:-2], each, f"{where}[{i}]")
        elif kind.startswith("["):
            parts = [kind[1:-1][a:b] for a, b in _parts(kind[1:-1], ",")]
            if not isinstance(value, list | tuple) or len(value) != len(parts):
                yield f"{where} is {value!r:.60}; expected {kind}."
            else:
                for i, (part, each) in enumerate(zip(parts, value, strict=True)):
                    yield from self.wrong(part, each, f"{where}[{i}]")
        elif kind.startswith("{"):
            yield from self._wrong_fields(_fields(kind), value, where)
        elif kind == "Record<string, never>":
            yield from self._wrong_fields({}, value, where)
        elif not _is(kind, value):
            yield f"{where} is {value!r:.60}; expected {kind}."

    def _wrong_fields(self, fields: dict[str, str], value: Any, where: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{where} is {value!r:.60}; expected {{{', '.join(fields)}}}."]
        found = []
        named = {name.removesuffix("?"): kind for name, kind in fields.items() if name}
        for name in value:
            kind = named.get(name, fields.get(""))
            if kind is None:
                found.append(f"{where}.{name} is sent, but not declared.")
            else:
                found += self.wrong(kind, value[name], f"{where}.{name}")
        missing = [n for n in fields if n and not n.endswith("?") and n not in value]
        return found + [f"{where}.{name} is declared, but not sent." for name in missing]


def _how_far(found: list[str]) -> tuple[int, int]:
    """Return how far a value is from a type: another word, as of its kind, is farthest."""
    return sum(sentence.endswith('".') for sentence in found), len(found)


def _is(kind: str, value: Any) -> bool:
    if kind.startswith('"'):
        return value == kind.strip('"')
    if kind in ARRAYS:
        return isinstance(value, np.ndarray) and value.dtype.str[1:] in ARRAYS[kind]
    if isinstance(value, bool) and kind != "boolean":
        return kind == "unknown"
    return isinstance(value, KINDS[kind])


def _fields(text: str) -> dict[str, str]:
    """Return the fields of an object's type; the key of all others is empty."""
    inside = text.strip()[1:-1]
    lines = [inside[a:b].strip() for a, b in _parts(inside, ",\n")]
    found = [FIELD.fullmatch(line) for line in lines if line]
    return {f"{each[1] or ''}{each[2] or ''}": each[3] for each in found if each}


def _parts(text: str, at: str) -> Iterator[tuple[int, int]]:
    """Return where the parts of a text begin and end that one of `at` divides, outside brackets."""
    start = 0
    for end in _breaks(text, at):
        yield start, end
        start = end + 1


def _breaks(text: str, at: str) -> Iterator[int]:
    depth = 0
    for i, character in enumerate(text):
        depth += (character in "{[(<") - (character in "}])>")
        if depth == 0 and character in at:
            yield i
    yield len(text)
