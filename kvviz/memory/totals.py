"""Bytes of a scenario at any context: its KV cache, its total, and what each toggle changes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kvviz.engines.planning import served_model
from kvviz.memory.kv import kv_tokens, kv_width, layer_groups
from kvviz.memory.scores import score_matrix_bytes
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import Sequences, sequences
from kvviz.shards.cache import state_bytes
from kvviz.shards.weights import stage_weights

TOGGLES: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "continuous": ({"batching": "continuous"}, {"batching": "static"}),
    "paged": ({"paged": True}, {"paged": False}),
    "flash": ({"flash": True}, {"flash": False}),
}


@dataclass(frozen=True, slots=True)
class KvBytes:
    """The KV cache in bytes: used + reserved + internal = allocated."""

    used: NDArray[np.int64]
    allocated: NDArray[np.int64]
    reserved: NDArray[np.int64]
    internal: NDArray[np.int64]


def kv_bytes(scenario: Scenario, contexts: NDArray[np.int64]) -> KvBytes:
    """Return the KV cache of the whole model at each context, arrays of shape (contexts,)."""
    return kv_places_bytes(sequences(scenario), contexts, layer_sizes(scenario))


def layer_sizes(scenario: Scenario) -> list[tuple[int, int]]:
    """Return (window, bytes that a token adds) of the kinds of layers of the whole model."""
    groups = layer_groups(served_model(scenario), kv_width(scenario, served_model(scenario)))
    return [(group.window, group.layers * group.bytes_per_token) for group in groups]


def kv_places_bytes(
    of: Sequences, contexts: NDArray[np.int64], sizes: Iterable[tuple[int, int]]
) -> KvBytes:
    """Return the KV cache at each context of layers by (window, bytes that a token adds)."""
    columns = np.zeros((3, len(contexts)), dtype=np.int64)
    for window, size in sizes:
        places = kv_tokens(of, contexts, window)
        columns += np.stack([places.used, places.allocated, places.reserved]) * size
    used, allocated, reserved = columns
    return KvBytes(used, allocated, reserved, allocated - used - reserved)


def weights_bytes(scenario: Scenario) -> int:
    """Return the bytes of all weights, unsharded."""
    return int(stage_weights(served_model(scenario), 1, 1, scenario.weights_dtype).sum())


def total_bytes(scenario: Scenario, contexts: NDArray[np.int64]) -> list[int]:
    """Return weights + KV allocated + recurrent state + scores at each context."""
    model = served_model(scenario)
    fixed = weights_bytes(scenario) + state_bytes(model) * scenario.batch
    scores = score_matrix_bytes(scenario, model, contexts.tolist())
    return summed(fixed, kv_bytes(scenario, contexts), [] if scenario.flash else scores)


def summed(fixed: int, kv: KvBytes, scores: list[int]) -> list[int]:
    """Return the fixed bytes + KV allocated + scores at each context; empty scores count as 0."""
    allocated = kv.allocated.tolist()
    return [fixed + a + s for a, s in zip(allocated, scores or [0] * len(allocated), strict=True)]


def deltas_of(
    of: Sequences,
    contexts: NDArray[np.int64],
    sizes: Iterable[tuple[int, int]],
    kv: KvBytes,
    scores: list[int],
) -> dict[str, list[int]]:
    """Return, per toggle, the total with only it off less the total with only it on (bytes).

    Positive: it saves.

    Args:
        of: the sequences.
        contexts: tokens of the longest sequence.
        sizes: of the layers: (window, bytes that a token adds).
        kv: their cache under the current toggles.
        scores: bytes of the scores, written or avoided: what FlashAttention alone saves.
    """

    def allocated(**way: Any) -> NDArray[np.int64]:
        other = replace(of, **way)
        return (kv if other == of else kv_places_bytes(other, contexts, sizes)).allocated

    caches = {
        name: (allocated(**off) - allocated(**on)).tolist()
        for name, (on, off) in TOGGLES.items()
        if name != "flash"
    }
    return {**caches, "flash": scores}
