"""A grid of contexts and batches says what one estimate each says."""

from itertools import product

import numpy as np
import pytest

from kvviz.memory import estimate, memory_grid
from kvviz.settings.scenario import Scenario, ScenarioError

CONTEXTS, BATCHES = [1, 17, 1000, 4096], [1, 2, 33]
SETTINGS = [
    {},
    {"ragged": 0.5, "flash": False},
    {"paged": False, "reservation": "pow2", "ragged": 0.3},
    {"paged": False, "batching": "static", "run_length": 5000},
    {"model": "google/gemma-3-27b-it", "batching": "static", "kv_dtype": "fp8"},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_cell_is_the_estimate(settings):
    scenario = Scenario(**settings)
    grid = memory_grid(scenario, CONTEXTS, BATCHES)
    for (row, batch), (column, context) in product(enumerate(BATCHES), enumerate(CONTEXTS)):
        report = estimate(scenario.replaced(batch=batch, context=context))
        for name in ("used", "allocated", "reserved", "internal"):
            assert grid[name][row, column] == report.kv[f"{name}_bytes"]
        assert grid["scores"][row, column] == report.scores["bytes"]
        assert grid["total"][row, column] == report.total_bytes


def test_the_shape_is_batches_by_contexts():
    grid = memory_grid(Scenario(), CONTEXTS, BATCHES)
    assert {column.shape for column in grid.values()} == {(3, 4)}
    assert all(np.isfinite(column).all() for column in grid.values())


def test_a_context_past_the_slot_is_refused():
    with pytest.raises(ScenarioError, match="context 40,000"):
        memory_grid(Scenario(), [10, 40_000], [1])
