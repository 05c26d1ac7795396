"""The choices of named settings: engines and policies, as their registries list them."""

from kvviz.engines.registry import engines
from kvviz.settings.parameters import Named
from kvviz.sim.policies import policies


def choices(knob: Named) -> tuple[str, ...]:
    """Return the names that a setting takes."""
    return tuple(engines() if knob.names == "engines" else policies())
