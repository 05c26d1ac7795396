"""What the fullest GPU of a deployment holds as the context grows; alone it holds everything."""

import numpy as np
from numpy.typing import NDArray

from kvviz.engines.planning import served_model
from kvviz.memory.report import TOGGLES, KvBytes, kv_places_bytes
from kvviz.memory.scores import score_matrix_bytes
from kvviz.memory.shard import Shard
from kvviz.settings.scenario import Scenario


def share_kv(scenario: Scenario, shard: Shard, contexts: NDArray[np.int64]) -> KvBytes:
    """Return the KV cache that the GPU with `shard` holds at each context, shape (contexts,)."""
    return kv_places_bytes(scenario, contexts, shard.token_bytes)


def share_scores(scenario: Scenario, contexts: NDArray[np.int64]) -> list[int]:
    """Return the bytes of one layer's scores on one GPU at each context, written or avoided."""
    return score_matrix_bytes(scenario, served_model(scenario), contexts.tolist(), scenario.tp)


def share_total(scenario: Scenario, shard: Shard, contexts: NDArray[np.int64]) -> list[int]:
    """Return weights + KV allocated + recurrent state + scores of one GPU at each context."""
    fixed = shard.weights_bytes + shard.state_bytes * scenario.batch
    kv = share_kv(scenario, shard, contexts).allocated.tolist()
    if scenario.flash:
        return [fixed + allocated for allocated in kv]
    scores = share_scores(scenario, contexts)
    return [fixed + a + s for a, s in zip(kv, scores, strict=True)]


def share_deltas(
    scenario: Scenario, shard: Shard, contexts: NDArray[np.int64]
) -> dict[str, list[int]]:
    """Return, per toggle, one GPU's total with only it off less that with only it on (bytes)."""
    deltas = {}
    for name, (on, off) in TOGGLES.items():
        with_it = share_total(scenario.replaced(**on), shard, contexts)
        without = share_total(scenario.replaced(**off), shard, contexts)
        deltas[name] = [b - a for a, b in zip(with_it, without, strict=True)]
    return deltas
