"""The context at which a run no longer fits one GPU."""

from typing import Final

import numpy as np

from kvviz.memory.shard import Shard, fullest_shard
from kvviz.memory.share import share_total
from kvviz.settings.scenario import Scenario

TRIED: Final = 32  # contexts per round: three rounds search 32,768


def first_crossing(
    scenario: Scenario, capacity: int, shard: Shard | None = None, flash: bool | None = None
) -> int | None:
    """Return the first context at which the fullest GPU needs more than `capacity` bytes.

    At the scenario's tensor and pipeline sizes; None if the whole run fits.

    Args:
        scenario: the deployment and its sequences.
        capacity: bytes of one GPU.
        shard: what the fullest GPU holds of the model, if that is known already.
        flash: with FlashAttention or without; None for the scenario's own setting.
    """
    shard = shard or fullest_shard(scenario)
    low, high = 1, scenario.final_length + 1
    while low < high:
        tried = np.unique(np.linspace(low, high - 1, TRIED).astype(np.int64))
        fit = sum(total <= capacity for total in share_total(scenario, shard, tried, flash))
        edges = [low - 1, *tried.tolist(), high]
        low, high = edges[fit] + 1, edges[fit + 1]
    return low if low <= scenario.final_length else None
