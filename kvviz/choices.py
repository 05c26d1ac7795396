"""What the named settings can be: engines and policies, as their registries find them."""

from kvviz.engines.registry import engines
from kvviz.settings.parameters import Named
from kvviz.sim.policies import policies


def choices(knob: Named) -> tuple[str, ...]:
    """Return the names that a setting takes."""
    return tuple(engines() if knob.names == "engines" else policies())
