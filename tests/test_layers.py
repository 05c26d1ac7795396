"""Which module may import which, and what importing the core costs."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import kvviz

ROOT = Path(__file__).parents[1]
ORDER = (
    "_version",
    "units",
    "catalog",
    "kernels",
    "settings",
    "memory",
    "roofline",
    "atlas",
    "timeline",
    "sim",
    "accuracy",
    "scene",
    "pages",
    "export",
    "apps",
)
TOPS = ("api", "cli", "")  # beside the pages: on all of the core, below nothing
CORE = (*ORDER[: ORDER.index("scene")], *TOPS)
HEAVY = ("panel", "bokeh", "torch", "triton", "pandas", "pyarrow", "fastapi", "distributed")
MEASURING = "kvviz/kernels/measuring"
ALLOWED = {  # modules that are imported only by who needs them
    "torch": (
        "kvviz/kernels/torch/",
        "kvviz/kernels/triton/",
        f"{MEASURING}/torch_",
        f"{MEASURING}/triton_",
    ),
    "triton": ("kvviz/kernels/triton/", f"{MEASURING}/triton_"),
    "fastapi": ("kvviz/api/",),
}
SECONDS = 0.3

MODULES = sorted([*(ROOT / "kvviz").rglob("*.py"), *(ROOT / "apps").glob("*.py")])


def layer(path):
    """Return a module's layer, empty for the package's own ``__init__``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "apps" if parts[0] == "apps" else parts[1].replace("__init__", "")


@cache
def imports(path):
    """Return (module, whether it is imported with the file itself) for every import."""
    tree = ast.parse(path.read_text())
    later = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) or _only_for_types(node)
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node not in later) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            found.append((node.module, node not in later))
    return found


def _only_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def named(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_imports_only_what_lies_below_it(path):
    own = layer(path)
    for name, _ in imports(path):
        top, _, rest = name.partition(".")
        if top != "kvviz":
            continue
        other = rest.partition(".")[0]
        if own in TOPS:
            assert other in CORE, f"imports {name}"
        elif other:
            assert ORDER.index(other) <= ORDER.index(own), f"imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_what_draws_stays_above_the_core(path):
    own, server = layer(path), ROOT / "kvviz/cli/serve.py"
    for name, at_import in imports(path):
        top = name.partition(".")[0]
        lazily = path == server and not at_import
        if top == "panel":
            assert own in ("pages", "export", "apps") or lazily
        if top == "bokeh":
            assert own in ("scene", "pages", "export", "apps")
        if top in HEAVY[2:] and not named(path).startswith(ALLOWED.get(top, ("-",))):
            assert not at_import, f"imports {name} before it is needed"


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
    code = (
        "import time; t = time.process_time(); from kvviz import *; print(time.process_time() - t)"
    )
    times = [
        float(subprocess.check_output([sys.executable, "-c", code], timeout=60)) for _ in range(7)
    ]
    assert min(times) < SECONDS
