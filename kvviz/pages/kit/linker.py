"""Links the pages' JavaScript: an entry and all that it imports become one module, without node.

What a module says of others stands at the beginning of a line::

    import {a, b} from "./other.js"
    export const a = ...
    export function b() {...}
    export class C {...}

In the linked module each imported one is a function that is called once, so that no two names meet.
Comments stay behind, and types with them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Final

PAGES: Final = Path(__file__).parents[1]
# What a module says of others.
IMPORT: Final = re.compile(
    r'^import \{\s*(\w+(?:,\s*\w+)*),?\s*\} from "(\.[\w./]+\.js)"\n', re.MULTILINE
)
EXPORT: Final = re.compile(r"^export (?=(?:const|(?:async )?function|class) (\w+))", re.MULTILINE)
OTHER: Final = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
# Where comments, strings, templates and regexes begin, and how the last two go on.
TOKEN: Final = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[`{}/]""", re.DOTALL
)
TEMPLATE: Final = re.compile(r"(?:\\.|\$(?!\{)|[^`\\$])*(?:`|\$\{)", re.DOTALL)
REGEX: Final = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/")
DIVIDED: Final = re.compile(
    r"(?<!\breturn)(?<!\btypeof)(?<=[\w$)\]}\"'`])\s*$"
)  # what stands before
JOINED: Final = "\0"  # a line's end in a template, while lines are looked at


class LinkError(ValueError):
    """What is wrong with a module, in one sentence."""


@dataclass(frozen=True)
class Module:
    """A module as it was written.

    Args:
        name: its path in the folder of the pages.
        code: what is left without comments, imports and the word ``export``.
        imports: the names that it takes, by the module that gives them.
        exports: the names that it gives.
    """

    name: str
    code: str
    imports: dict[str, tuple[str, ...]]
    exports: tuple[str, ...]

    @property
    def body(self) -> str:
        """Its code below the names that it takes."""
        taken = (f"const {{{', '.join(n)}}} = {_variable(o)}\n" for o, n in self.imports.items())
        return "".join(taken) + self.code

    def called(self, taken: Iterable[str]) -> str:
        """Return it as a function's result, with those of its exports that are taken."""
        given = ", ".join(name for name in self.exports if name in taken)
        return f"const {_variable(self.name)} = (() => {{\n{self.body}return {{{given}}}\n}})()\n"


@cache
def linked(entry: str, pages: Path = PAGES) -> str:
    """Return an entry and all that it imports as one module, which exports what the entry does.

    Args:
        entry: path of the module that a component loads, in `pages`.
        pages: the folder in which the modules lie.

    Raises:
        LinkError: a module is not there, imports or exports in another form than the above, takes
            what another does not give, or imports itself by way of others.
    """
    found = ordered(entry, pages)
    taken, last = _taken(found), found.pop()
    given = f"export {{{', '.join(last.exports)}}}\n" if last.exports else ""
    source = f"//# sourceURL=kvviz/{entry.removesuffix('.js')}.linked.js\n"
    return "".join([*(one.called(taken[one.name]) for one in found), last.body, given, source])


def ordered(entry: str, pages: Path = PAGES) -> list[Module]:
    """Return an entry and all that it imports, each after those that it imports itself.

    Raises:
        LinkError: as `linked`.
    """
    found: dict[str, Module] = {}

    def visit(name: str, path: tuple[str, ...]) -> Module:
        if name in path:
            circle = (*path[path.index(name) :], name)
            raise LinkError(f"{' imports '.join(circle)}; expected no circle.")
        if name not in found:
            one = module(name, pages)
            for other, names in one.imports.items():
                _check(one, names, visit(other, (*path, name)))
            found[name] = one
        return found[name]

    visit(entry, ())
    return list(found.values())


def unused(entries: Iterable[str], pages: Path = PAGES) -> list[str]:
    """Return, a sentence each, the modules that no entry needs and the exports that none takes.

    Raises:
        LinkError: as `linked`.
    """
    entries = set(entries)
    needed = {one.name: one for entry in entries for one in ordered(entry, pages)}
    taken = _taken(needed.values())
    there = {path.relative_to(pages).as_posix() for path in pages.rglob("*.js")}
    idle = [f"{name} is part of no component." for name in sorted(there - needed.keys())]
    return idle + [
        f"{name} exports {each}, which no module imports."
        for name in sorted(needed.keys() - entries)
        for each in needed[name].exports
        if each not in taken[name]
    ]


@cache
def module(name: str, pages: Path = PAGES) -> Module:
    """Read the module at a path in the folder of the pages.

    Raises:
        LinkError: it imports or exports in another form than this project's, or imports what is
            not there.
        OSError: it cannot be read.
    """
    text = _bare((pages / name).read_text(encoding="utf-8"), name)
    imports: dict[str, tuple[str, ...]] = {}
    for names, path in IMPORT.findall(text):
        other = normpath(join(dirname(name), path))
        if not (pages / other).is_file():
            raise LinkError(f"{name} imports {path}, which is not there.")
        imports[other] = (*imports.get(other, ()), *re.findall(r"\w+", names))
    code = EXPORT.sub("", IMPORT.sub("", text))
    if other_form := OTHER.search(code):
        raise LinkError(
            f'{name} says `{other_form[0]}`; expected `import {{a}} from "./other.js"` or `export` '
            "before a const, function or class."
        )
    return Module(name, code.replace(JOINED, "\n"), imports, tuple(EXPORT.findall(text)))


def _taken(modules: Iterable[Module]) -> dict[str, set[str]]:
    """Return the names that modules take, by the module that gives them."""
    taken: dict[str, set[str]] = {one.name: set() for one in modules}
    for one in modules:
        for name, names in one.imports.items():
            taken[name].update(names)
    return taken


def _check(one: Module, names: Iterable[str], other: Module) -> None:
    for name in names:
        if name not in other.exports:
            given = ", ".join(other.exports) or "nothing"
            raise LinkError(f"{one.name} imports {name} from {other.name}, which exports {given}.")


def _variable(name: str) -> str:
    """Return what holds a module's exports: ``$kit$numbers`` for ``kit/js/numbers.js``."""
    return "$" + name.removesuffix(".js").replace("/js/", "/").replace("/", "$")


def _bare(text: str, name: str) -> str:
    """Return a module without comments and blank lines, the lines of a template joined."""
    kept: list[str] = []
    braces: list[int] = []  # open in each template's expression that is being read
    at = 0
    while found := TOKEN.search(text, at):
        kept.append(text[at : found.start()])
        at, token = found.end(), found[0]
        if token.startswith(("//", "/*")):
            continue
        if token == "/" and not DIVIDED.search(text[max(0, found.start() - 40) : found.start()]):
            at = _end(REGEX, text, found.start(), name)
        elif token == "`" or (token == "}" and braces and not braces[-1]):
            at = _end(TEMPLATE, text, found.end(), name)
            braces = braces[: -1 if token == "}" else None] + [0] * text.startswith("{", at - 1)
        elif token in "{}" and braces:
            braces[-1] += 1 if token == "{" else -1
        kept.append(text[found.start() : at].replace("\n", JOINED))
    lines = "".join([*kept, text[at:]]).split("\n")
    return "".join(f"{line.rstrip()}\n" for line in lines if line.strip())


def _end(form: re.Pattern[str], text: str, start: int, name: str) -> int:
    """Return where what begins at `start` ends."""
    found = form.match(text, start)
    if found is None:
        line = text.count("\n", 0, start) + 1
        raise LinkError(f"{name}, line {line}: expected an end of the template or of the regex.")
    return found.end()
