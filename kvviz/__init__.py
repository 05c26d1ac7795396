"""kvviz shows where every byte of a GPU's memory goes when a large language model runs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kvviz._version import __version__ as __version__

if TYPE_CHECKING:
    from kvviz.catalog.gpus.gpu import Gpu
    from kvviz.catalog.gpus.shipped import find_gpu, gpus
    from kvviz.catalog.models.config import ConfigError, model_from_config
    from kvviz.catalog.models.model import Model
    from kvviz.catalog.models.shipped import find_model, models
    from kvviz.catalog.names import UnknownName
    from kvviz.memory import MemoryReport, estimate
    from kvviz.settings.scenario import Scenario, ScenarioError
    from kvviz.sim.workload.growth import growth
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
    "model_from_config",
    "models",
]

_HOMES = {
    "kvviz.catalog.models.config": ("ConfigError", "model_from_config"),
    "kvviz.catalog.gpus.gpu": ("Gpu",),
    "kvviz.catalog.gpus.shipped": ("find_gpu", "gpus"),
    "kvviz.catalog.models.model": ("Model",),
    "kvviz.catalog.models.shipped": ("find_model", "models"),
    "kvviz.catalog.names": ("UnknownName",),
    "kvviz.memory": ("MemoryReport", "estimate"),
    "kvviz.settings.scenario": ("Scenario", "ScenarioError"),
    "kvviz.sim.workload.growth": ("growth",),
    "kvviz.timeline": ("Timeline",),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the catalogs need none of what the rest needs."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
