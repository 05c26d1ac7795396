"""What an engine's pool gives a token where layers are of several kinds, the same on every page."""

from kvviz.engines.planning import plan, served_model
from kvviz.engines.registry import find_engine
from kvviz.settings.scenario import Scenario
from kvviz.shards.cache import cache_width, layer_kv_bytes
from kvviz.units import size


def pooled_note(scenario: Scenario) -> str:
    """Return what a request takes of the engine's pool beside what its layers keep.

    Empty where all layers share one block table: then the two agree but for whole blocks.
    """
    planned, model = plan(scenario.deployment), served_model(scenario)
    layout, engine = planned.layout, find_engine(scenario.mode)
    if not engine.assumes or layout is None or len(planned.groups) < 2:
        return ""
    number = cache_width(model, scenario.kv_dtype)
    kept = sum(layer_kv_bytes(layer, number, scenario.tp) for layer in model.layers)
    at_most = "at most " if any(layer.window for layer in model.layers) else ""
    each = " on each GPU" if scenario.tp > 1 else ""
    return (
        f"{engine.label} pages {len(planned.groups)} groups of layers in blocks of "
        f"{size(layout.bytes_per_block)}: a request of {scenario.context:,} tokens takes "
        f"{size(layout.request_bytes(scenario.context))} of its pool{each}, and its layers keep "
        f"{at_most}{size(kept)} a token"
    )
