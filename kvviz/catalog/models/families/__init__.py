"""Families of models: each module here holds one, or close relatives, as ``FAMILIES``."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

from kvviz.catalog.models.family import Family, Tower

Kind = TypeVar("Kind")


@cache
def families() -> Mapping[str, Family]:
    """Return every family by each ``model_type`` that it goes by, in alphabetical order.

    Raises:
        ValueError: two families go by one name.
    """
    return _by_name("model_type", ((name, one) for one in _found() for name in one.names))


@cache
def towers() -> Mapping[str, Tower]:
    """Return what counts each kind of vision tower, by the ``model_type`` of the tower.

    Raises:
        ValueError: two families bring a tower of one kind.
    """
    return _by_name("vision tower", (pair for one in _found() for pair in one.towers.items()))


def _found() -> Iterable[Family]:
    for module in iter_modules(__path__):
        yield from import_module(f"{__name__}.{module.name}").FAMILIES


def _by_name(what: str, pairs: Iterable[tuple[str, Kind]]) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for name, one in pairs:
        if name in found:
            raise ValueError(f"{what} {name!r} belongs to two families, expected one")
        found[name] = one
    return dict(sorted(found.items()))
