"""Scheduling policies by name: each module beside this one that has a `POLICY` is one."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from kvviz.catalog.names import find_named
from kvviz.sim.policies.base import Policy


@cache
def policies() -> dict[str, Policy]:
    """Return every policy by the name of its module."""
    names = [found.name for found in iter_modules(__path__)]
    modules = {name: import_module(f"{__name__}.{name}") for name in names}
    return {name: module.POLICY for name, module in modules.items() if hasattr(module, "POLICY")}


def find_policy(name: str) -> Policy:
    """Return the policy called `name`; raises `UnknownName` with the nearest names."""
    return find_named(name, policies(), "policy")
