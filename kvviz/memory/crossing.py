"""Where a run first needs more than one GPU holds."""

import numpy as np

from kvviz.memory.shard import fullest_shard
from kvviz.memory.share import share_total
from kvviz.settings.scenario import Scenario


def first_crossing(scenario: Scenario, capacity: int) -> int | None:
    """Return the first context at which the fullest GPU holds more than `capacity` bytes, or None.

    At the scenario's tensor and pipeline sizes.
    """
    shard = fullest_shard(scenario)
    low, high = 1, scenario.final_length + 1
    while low < high:
        middle = (low + high) // 2
        if share_total(scenario, shard, np.array([middle]))[0] > capacity:
            high = middle
        else:
            low = middle + 1
    return low if low <= scenario.final_length else None
