"""An engine's rules live with that engine: nothing else asks which one it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import kvviz
from kvviz.engines.registry import engines

PACKAGE = Path(kvviz.__file__).parent


def compared(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what a name is compared with: by an operator, a match or a key of a dictionary."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from (
                found for side in (node.left, *node.comparators) for found in ast.walk(side)
            )
        elif isinstance(node, ast.MatchValue):
            yield node.value
        elif isinstance(node, ast.Dict):
            yield from (key for key in node.keys if key)


def asked(source: str) -> list[str]:
    """Return every engine's name that a module compares something with."""
    constants = (one.value for one in compared(ast.parse(source)) if isinstance(one, ast.Constant))
    return [name for name in constants if name in engines()]


def test_no_engine_is_asked_for_by_name():
    outside = [p for p in PACKAGE.rglob("*.py") if "engines" not in p.relative_to(PACKAGE).parts]
    found = {str(p.relative_to(PACKAGE)): asked(p.read_text()) for p in outside}
    assert {where: names for where, names in found.items() if names} == {}


def test_asking_is_found():
    assert asked("if mode == 'vllm': pass") == ["vllm"]
    assert asked("if engine.name in ('sglang', 'other'): pass") == ["sglang"]
    assert asked("match mode:\n    case 'vllm': pass") == ["vllm"]
    assert asked("RULES = {'textbook': 1}") == ["textbook"]
    assert asked("print('vllm')") == []
