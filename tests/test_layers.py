"""Which module may import which, and what importing the core costs."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import kvviz

ROOT = Path(__file__).parents[1]
REST = "*"  # all that is not named otherwise, which stands together
ORDER = {
    # What lies in a folder, lowest first: each may import what stands before it, and those that
    # stand together not one another. A folder of modules alone has no entry, only no circles.
    "kvviz": (
        ("_version", "units"),
        *("catalog", "kernels", "settings", "shards", "engines"),
        *("memory", "cost", "atlas", "timeline", "sim", "accuracy", "live", "choices"),
        *("scene", "pages", "export", "api", "cli", ""),
    ),
    "kvviz.catalog": (
        ("names", "dtypes"),
        ("models", "gpus", "published"),
        "measured",
    ),
    "kvviz.catalog.models": (
        *("fields", "model", "patterns", "stored", "methods", "modelopt", "storage"),
        *("draft", "rotary", "family", "parts", "families"),
        *("config", "shipped", "tokens"),
    ),
    "kvviz.kernels": (
        *("cpu", "numpy", "", ("torch", "triton"), "kernel", "records", "measuring", "__main__"),
    ),
    "kvviz.engines": (
        *("logged", "fields", "lines", "failures", "layout", "base", "plain"),
        *(("textbook", "vllm", "sglang"), "registry", "planning"),
    ),
    "kvviz.engines.vllm": ("releases", "budget", "specs", "groups", "log", "engine", ""),
    "kvviz.sim": (
        *("workload", "cache", "policies", "pool", "engine", "results", "simulate"),
        ("paper", "sweep"),
    ),
    "kvviz.sim.workload": ("prompts", "workload", "request", "traces", "synthetic", "growth"),
    "kvviz.scene": ("theme", "paint", "axes", REST),  # a folder of figures a page
    "kvviz.pages": ("kit", "", REST),
}
SCREEN = ("scene", "pages", "export")
SCREENLESS = ("api", "cli")  # beside the pages: on all of the core
DRAWN_IN = {"panel": ("pages", "export", "apps"), "bokeh": (*SCREEN, "apps")}
HEAVY = ("panel", "bokeh", "torch", "triton", "pandas", "pyarrow", "fastapi", "distributed")
LATE = (*HEAVY, "tokenizers", "matplotlib")  # packages that a function may wait for
MEASURING = "kvviz.kernels.measuring"
AT_IMPORT = {  # who imports a heavy package at once: modules that only those import who need it
    "torch": (
        "kvviz.kernels.torch.",
        "kvviz.kernels.triton.",
        f"{MEASURING}.torch_",
        f"{MEASURING}.triton_",
    ),
    "triton": ("kvviz.kernels.triton.", f"{MEASURING}.triton_"),
    "fastapi": ("kvviz.api.",),
}


@dataclass(frozen=True)
class Import:
    """`name`, a module where there is one, imported by `by`; `late` where it is not at once."""

    by: str
    name: str
    line: int
    late: bool = False

    def __str__(self):
        return f"{self.by}:{self.line} imports {self.name}{' late' if self.late else ''}"


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    dotted(path): path for path in [*(ROOT / "kvviz").rglob("*.py"), *(ROOT / "apps").glob("*.py")]
}
FOLDERS = {name for name, path in FILES.items() if path.name == "__init__.py"}


def statements(node, late=False) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield every import below a node, and whether it waits for a call or is for types alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, late
        waits = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        )
        yield from statements(child, late or waits)


def imports(module) -> Iterator[Import]:
    for node, late in statements(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            home = "." * node.level + (node.module or "")
            inner = [f"{home}.{alias.name}" for alias in node.names]
            names = [name if name in FILES else home for name in inner]
        for name in sorted(set(names)):
            yield Import(module, name, node.lineno, late)


IMPORTS = [found for module in FILES for found in imports(module)]


def graph(found):
    """Return what each module imports of our own."""
    edges = {name: set() for name in FILES}
    for one in found:
        if one.name in FILES:
            edges[one.by].add(one.name)
    return edges


def reached(edges: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return all that each module comes to, import by import."""

    def from_here(start):
        found, todo = set(), [start]
        while todo:
            new = edges.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found

    return {name: from_here(name) for name in edges}


def circles(edges):
    """Return every set of modules each of which comes to all of them."""
    reach = reached(edges)
    among = {frozenset(b for b in reach[a] if a in reach[b]) for a in edges}
    return sorted(sorted(circle) for circle in among if circle)


def places(folder):
    """Return the place of everything in a folder's order."""
    listed = enumerate(ORDER[folder])
    return {
        name: place
        for place, entry in listed
        for name in ((entry,) if isinstance(entry, str) else entry)
    }


def fork(one, other):
    """Return the folder where the ways to two modules part, and the next step of each."""
    ways = [name.split(".") for name in (one, other)]
    common = 0
    while all(len(way) > common for way in ways) and ways[0][common] == ways[1][common]:
        common += 1
    return ".".join(ways[0][:common]), *(".".join(way[common : common + 1]) for way in ways)


def upward(one: Import):
    """Say what is wrong with an import of our own by the order of the folders, if anything is."""
    folder, own, other = fork(one.by, one.name)
    if one.by.startswith("apps."):
        return None if one.name == "kvviz.pages" else f"{one}, not the pages"
    children = {f"{folder}.{own}", f"{folder}.{other}"}
    if folder not in ORDER:
        return f"{one}, and {folder} has no order" if children & FOLDERS else None
    place = places(folder)
    at = [place.get(name, place.get(REST)) for name in (own, other)]
    if None in at:
        return f"{one}, and the order of {folder} lacks {(own, other)[at.index(None)]}"
    return None if at[1] < at[0] else f"{one}, which does not lie below"


def test_arrows_point_down_in_every_folder():
    ours = [one for one in IMPORTS if one.name in FILES and one.name != one.by]
    assert [told for one in ours if (told := upward(one))] == []


def test_there_is_no_circle():
    assert circles(graph(IMPORTS)) == []


def test_no_import_waits_but_for_what_is_heavy():
    """A function may import a heavy package, and a command whatever it needs when it runs."""
    at_once = reached(graph(one for one in IMPORTS if not one.late))
    weight = {one.by for one in IMPORTS if one.name.partition(".")[0] in LATE and not one.late}
    heavy = {name for name in FILES if ({name} | at_once[name]) & weight}
    lazy = [one for one in IMPORTS if one.late and one.by != "kvviz"]  # whose names are lazy
    waiting = [one for one in lazy if not one.by.startswith("kvviz.cli.")]
    wrong = [o for o in waiting if o.name not in heavy and o.name.partition(".")[0] not in LATE]
    assert list(map(str, wrong)) == []


def misplaced(one: Import):
    """Return whether a module imports what its room or its start may not have."""
    steps, top = [*one.by.split("."), ""], one.name.partition(".")[0]
    room = steps[1] if steps[0] == "kvviz" else steps[0]
    if top in DRAWN_IN:
        return room not in DRAWN_IN[top]
    if top in HEAVY:
        return not one.late and not one.by.startswith(AT_IMPORT.get(top, "-"))
    if one.by == "kvviz.cli.serve" and one.late:
        return False
    return room in SCREENLESS and one.name.startswith(tuple(f"kvviz.{name}" for name in SCREEN))


def test_what_draws_stays_above_the_core():
    assert [str(one) for one in IMPORTS if misplaced(one)] == []


def test_imports_are_absolute():
    assert [str(one) for one in IMPORTS if one.name.startswith(".")] == []


def test_what_is_wrong_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}, "e": {"e"}}) == [
        ["b", "c"],
        ["e"],
    ]
    for by, name in (
        ("kvviz.units", "kvviz.catalog.names"),
        ("kvviz.catalog.models.model", "kvviz.catalog.models.families.dense"),
        ("kvviz.pages.explore.page", "kvviz.pages.hbm.link"),
        ("kvviz.scene.serving.gantt", "kvviz.scene.kernels.bars"),
        ("kvviz.sim.engine.run", "kvviz.sim.results.outcome"),
        ("kvviz.memory.inner.a", "kvviz.memory.report"),
        ("kvviz.sim.simulate", "kvviz"),
    ):
        assert (upward(Import(by, name, 1)) is None) == (name == "kvviz.memory.report"), (by, name)
    assert misplaced(Import("kvviz.memory.report", "bokeh.plotting", 1, late=True))
    assert misplaced(Import("kvviz.timeline", "pandas", 1))
    assert misplaced(Import("kvviz.api.app", "kvviz.pages.kit.html", 1))
    tree = ast.parse("import a\ndef f():\n    import b\nif TYPE_CHECKING:\n    import c")
    assert [late for _, late in statements(tree)] == [False, True, True]


@pytest.mark.parametrize("module", ["kvviz", "kvviz.cli"])
def test_importing_the_core_loads_nothing_heavy(module):
    code = f"import sys; from {module} import *; print(*[m for m in {HEAVY} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == ""


def test_every_public_name_is_there():
    assert all(getattr(kvviz, name) for name in kvviz.__all__)
    assert {name for names in kvviz._HOMES.values() for name in names} == set(kvviz.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = kvviz.nothing


def test_importing_the_core_is_quick():
    """Its own modules take less of the processor than NumPy and Param do, however busy that is."""
    code = (
        "import time; now = time.process_time; start = now(); import numpy, param; there = now();"
        "from kvviz import *; print((now() - there) / (there - start))"
    )
    shares = [
        float(subprocess.check_output([sys.executable, "-c", code], timeout=120)) for _ in range(5)
    ]
    assert min(shares) < 1
