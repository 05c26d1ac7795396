"""What an engine's pool gives a token where layers are of several kinds, the same on every page."""

from kvviz.memory.capacity import stage_token_bytes
from kvviz.memory.kv import kv_width
from kvviz.memory.parallel import layer_kv_bytes
from kvviz.settings.scenario import Scenario
from kvviz.units import size


def pooled_token_bytes(scenario: Scenario) -> int:
    """Return the bytes that a token takes of one GPU's pool, layers in an engine's groups."""
    model = scenario.the_model
    return stage_token_bytes(model.layers, kv_width(scenario, model), scenario.tp)


def pooled_note(scenario: Scenario) -> str:
    """Return what the pool gives a token beside what the layers keep, empty where these agree."""
    model, number = scenario.the_model, kv_width(scenario, scenario.the_model)
    pooled = pooled_token_bytes(scenario)
    kept = sum(layer_kv_bytes(layer, number, scenario.tp) for layer in model.layers)
    windows = any(layer.window for layer in model.layers)
    if scenario.mode != "vllm" or not (windows or pooled != kept):
        return ""
    at_most = f"at most {size(kept)}, and less beyond a window" if windows else size(kept)
    each = " on each GPU" if scenario.tp > 1 else ""
    return (
        f"vLLM pages layers of several kinds in groups: a token takes {size(pooled)} of its pool"
        f"{each}, and its layers keep {at_most}"
    )
