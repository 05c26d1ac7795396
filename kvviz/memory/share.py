"""What the fullest GPU of a deployment holds as the context grows; alone it holds everything."""

import numpy as np
from numpy.typing import NDArray

from kvviz.engines.planning import served_model
from kvviz.memory.scores import score_matrix_bytes
from kvviz.memory.shard import Shard
from kvviz.memory.totals import KvBytes, kv_places_bytes, summed
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import sequences


def share_kv(scenario: Scenario, shard: Shard, contexts: NDArray[np.int64]) -> KvBytes:
    """Return the KV cache that the GPU with `shard` holds at each context, shape (contexts,)."""
    return kv_places_bytes(sequences(scenario), contexts, shard.token_bytes)


def share_scores(scenario: Scenario, contexts: NDArray[np.int64]) -> list[int]:
    """Return the bytes of one layer's scores on one GPU at each context, written or avoided."""
    return score_matrix_bytes(scenario, served_model(scenario), contexts.tolist(), scenario.tp)


def share_total(
    scenario: Scenario, shard: Shard, contexts: NDArray[np.int64], flash: bool | None = None
) -> list[int]:
    """Return weights + KV allocated + recurrent state + scores of one GPU at each context.

    Args:
        scenario: the deployment and its sequences.
        shard: what the GPU holds of the model.
        contexts: tokens of the longest sequence.
        flash: with FlashAttention or without; None for the scenario's own setting.
    """
    without = scenario.flash if flash is None else flash
    scores = [] if without else share_scores(scenario, contexts)
    return summed(shard.fixed_bytes(scenario.batch), share_kv(scenario, shard, contexts), scores)
