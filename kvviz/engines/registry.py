"""Engines by name: every module or folder next to this one that has an `ENGINE`."""

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from kvviz.catalog.names import find_named
from kvviz.engines.base import Engine


@cache
def engines() -> dict[str, Engine]:
    """Return every engine by its name, the textbook first."""
    here = Path(__file__).parent
    names = [found.name for found in iter_modules([str(here)])]
    modules = [import_module(f"{__package__}.{name}") for name in names]
    found = {module.ENGINE.name: module.ENGINE for module in modules if hasattr(module, "ENGINE")}
    return dict(sorted(found.items(), key=lambda item: bool(item[1].versions)))


def find_engine(name: str) -> Engine:
    """Return the engine called `name`; raises `UnknownName` with the nearest name."""
    return find_named(name, engines(), "engine")


def engine_called(text: str) -> Engine | None:
    """Return the engine whose name is in a free text such as ``vLLM 0.9``, None if none is."""
    plain = text.casefold().replace("-", "").replace(" ", "")
    known = (found for name, found in engines().items() if found.versions and name in plain)
    return next(known, None)
