"""What an engine's pool gives a request where a model has several kinds of layers."""

from kvviz.engines.planning import plan, served_model
from kvviz.engines.registry import find_engine
from kvviz.settings.scenario import Scenario
from kvviz.shards.cache import cache_width, layer_kv_bytes
from kvviz.units import size


def pooled_note(scenario: Scenario) -> str:
    """Return what a request takes from the engine's pool, and what its layers keep of it.

    Empty where all layers share one block table: then the two differ only by whole blocks.
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
        f"{engine.label} keeps {len(planned.groups)} groups of layers in blocks of "
        f"{size(layout.bytes_per_block)}: a request of {scenario.context:,} tokens takes "
        f"{size(layout.request_bytes(scenario.context))} of its pool{each}, while its layers keep "
        f"{at_most}{size(kept)} per token"
    )
