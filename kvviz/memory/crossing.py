"""Where a run first needs more than one GPU holds."""

import numpy as np

from kvviz.memory.report import total_bytes
from kvviz.scenario import Scenario


def first_crossing(scenario: Scenario, capacity: int) -> int | None:
    """Return the first context whose total exceeds `capacity` bytes, None if the run has none."""
    low, high = 1, scenario.final_length + 1
    while low < high:
        middle = (low + high) // 2
        if total_bytes(scenario, np.array([middle]))[0] > capacity:
            high = middle
        else:
            low = middle + 1
    return low if low <= scenario.final_length else None
