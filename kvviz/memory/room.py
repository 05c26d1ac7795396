"""How long sequences, or how many, a deployment has room for."""

from collections.abc import Callable
from typing import Final

import numpy as np

from kvviz.engines.planning import plan, served_model
from kvviz.memory.parallel import allocated_places, fullest_gpu
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import sequences

MOST_CONTEXT: Final = Scenario.param.context.bounds[1]


def longest_context(scenario: Scenario) -> int:
    """Return the longest context whose weights and paged cache fit, 0 where none does."""
    paged = scenario.replaced(paged=True, flash=True)
    return _last(lambda n: _fits(paged, n), MOST_CONTEXT)


def largest_batch(scenario: Scenario) -> int:
    """Return how many sequences' paged cache fits beside the weights at the scenario's context."""
    paged = scenario.replaced(paged=True, flash=True)
    most = Scenario.param.batch.bounds[1]
    return _last(lambda n: _fits(paged.replaced(batch=n), scenario.context), most)


def _fits(scenario: Scenario, context: int) -> bool:
    model, t, at = served_model(scenario), scenario.tp, np.array([context], dtype=np.int64)
    places = allocated_places(sequences(scenario), model, at)
    held = fullest_gpu(scenario, model, t, scenario.pp, at, places).total[0]
    return bool(held <= plan(scenario.deployment).room)


def _last(holds: Callable[[int], bool], most: int) -> int:
    """Return the last number up to `most` for which `holds`, which only ever turns false."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
