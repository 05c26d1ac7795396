"""kvviz shows where every byte of a GPU's memory goes when a large language model runs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kvviz.catalog.config import ConfigError
    from kvviz.catalog.gpu import Gpu
    from kvviz.catalog.gpus import find_gpu, gpus
    from kvviz.catalog.model import Model
    from kvviz.catalog.models import find_model, models
    from kvviz.catalog.names import UnknownName
    from kvviz.memory import MemoryReport, estimate
    from kvviz.scenario import Scenario, ScenarioError
    from kvviz.sim.growth import growth
    from kvviz.timeline import Timeline

__all__ = [
    "ConfigError",
    "Gpu",
    "MemoryReport",
    "Model",
    "Scenario",
    "ScenarioError",
    "Timeline",
    "UnknownName",
    "estimate",
    "find_gpu",
    "find_model",
    "gpus",
    "growth",
    "models",
]

__version__ = "0.1.0"

_HOMES = {
    "kvviz.catalog.config": ("ConfigError",),
    "kvviz.catalog.gpu": ("Gpu",),
    "kvviz.catalog.gpus": ("find_gpu", "gpus"),
    "kvviz.catalog.model": ("Model",),
    "kvviz.catalog.models": ("find_model", "models"),
    "kvviz.catalog.names": ("UnknownName",),
    "kvviz.memory": ("MemoryReport", "estimate"),
    "kvviz.scenario": ("Scenario", "ScenarioError"),
    "kvviz.sim.growth": ("growth",),
    "kvviz.timeline": ("Timeline",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the catalogs need none of what the rest needs."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
