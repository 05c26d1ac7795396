"""Scheduling policies by name: each module here is one."""

from importlib import import_module
from pkgutil import iter_modules

from kvviz.catalog.names import find_named
from kvviz.sim.policy import Policy


def policies() -> dict[str, Policy]:
    """Return every policy by the name of its module."""
    names = [module.name for module in iter_modules(__path__)]
    return {name: import_module(f"{__name__}.{name}").POLICY for name in names}


def find_policy(name: str) -> Policy:
    """Return the policy that goes by `name`; raises `UnknownName` with the nearest."""
    return find_named(name, policies(), "policy")
