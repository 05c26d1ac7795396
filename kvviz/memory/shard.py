"""What the fullest GPU of a deployment holds, laid out for pages: weight runs, KV bytes, state."""

from dataclasses import dataclass

import numpy as np

from kvviz.catalog.models.model import Model
from kvviz.engines.planning import served_model
from kvviz.memory.kv import NO_WINDOW, kv_width
from kvviz.memory.parallel import allocated_places, stage_kv, stage_state
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import sequences
from kvviz.shards.cache import layer_kv_bytes, layer_state_bytes
from kvviz.shards.split import stage_starts
from kvviz.shards.weights import stage_weights, weights_of
from kvviz.units import MiB

STATE_PAGE = 2 * MiB  # a model that caches no tokens has no page: CUDA's own allocation unit


@dataclass(frozen=True, slots=True)
class Shard:
    """One GPU's share of a deployment.

    Args:
        weight_runs: (layer, bytes) in address order; -1 is the embedding, `len(layers)` the head.
        token_bytes: (window, bytes that a token adds) of every kind of layer, windows descending.
        state_bytes: recurrent state of one sequence.
    """

    weight_runs: tuple[tuple[int, int], ...]
    token_bytes: tuple[tuple[int, int], ...]
    state_bytes: int

    def page_bytes(self, block_size: int) -> int:
        """Return the bytes of a page: a block of tokens in the layers that hold the most tokens."""
        return self.token_bytes[0][1] * block_size if self.token_bytes else STATE_PAGE

    @property
    def weights_bytes(self) -> int:
        """Bytes of all weight runs."""
        return sum(size for _, size in self.weight_runs)

    def fixed_bytes(self, batch: int) -> int:
        """Return what does not grow: the weights, and the states of `batch` sequences."""
        return self.weights_bytes + self.state_bytes * batch


def fullest_shard(scenario: Scenario) -> Shard:
    """Return the share of the stage that holds the most at the scenario's context."""
    model, t, p = served_model(scenario), scenario.tp, scenario.pp
    context = np.array([scenario.context], dtype=np.int64)
    held = stage_weights(model, t, p, scenario.weights_dtype) + stage_state(scenario, model, t, p)
    places = allocated_places(sequences(scenario), model, context)
    stage = int(np.argmax(held + stage_kv(scenario, model, t, p, places)[:, 0]))
    starts = stage_starts(len(model.layers), p)
    layers = range(starts[stage], starts[stage + 1])
    return Shard(
        _weight_runs(scenario, model, layers),
        _token_bytes(scenario, model, layers),
        sum(layer_state_bytes(model, model.layers[i], t) for i in layers),
    )


def _weight_runs(scenario: Scenario, model: Model, layers: range) -> tuple[tuple[int, int], ...]:
    sizes, first, last = weights_of(model, scenario.tp, scenario.weights_dtype)
    runs = [(i, int(sizes[i])) for i in layers]
    if layers.start == 0:
        runs.insert(0, (-1, first))
    if layers.stop == len(model.layers):
        copied = first if model.tied and scenario.pp > 1 else 0
        runs.append((len(model.layers), last + copied))
    return tuple(runs)


def _token_bytes(scenario: Scenario, model: Model, layers: range) -> tuple[tuple[int, int], ...]:
    number, sizes = kv_width(scenario, model), dict[int, int]()
    for layer in (model.layers[i] for i in layers):
        if layer.cached_values:
            window = layer.window or NO_WINDOW
            sizes[window] = sizes.get(window, 0) + layer_kv_bytes(layer, number, scenario.tp)
    return tuple(sorted(sizes.items(), reverse=True))
