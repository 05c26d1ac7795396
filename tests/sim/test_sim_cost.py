"""The cost of a step, against the roofline that the other pages use."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.catalog.measured.efficiency import KNEE, Efficiency
from kvviz.cost.roofline import step
from kvviz.cost.steps import StepCost, pairs
from kvviz.memory.kv import NO_WINDOW
from kvviz.settings.scenario import Scenario, ScenarioError

MODELS = (
    "meta-llama/Llama-3.1-8B",
    "openai/gpt-oss-20b",
    "deepseek-ai/DeepSeek-V3",
    "Qwen/Qwen3-Next-80B-A3B-Instruct",
)
COSTS = {
    (name, tp): StepCost(Scenario(model=name, tp=tp), Efficiency())
    for name in MODELS
    for tp in (1, 2)
}


@given(
    model=st.sampled_from(MODELS),
    sequences=st.lists(
        st.tuples(st.integers(1, 3000), st.integers(0, 9000)), min_size=1, max_size=6
    ),
)
def test_a_step_takes_as_long_as_the_roofline_says(model, sequences):
    new = np.array([tokens for tokens, _ in sequences])
    context = new + np.array([before for _, before in sequences])
    cost, wanted = COSTS[model, 1], step(Scenario(model=model), new, context)
    work = [cost.sequence(*pair) for pair in zip(new.tolist(), context.tolist(), strict=True)]
    tokens = int(new.sum())
    flops, moved = (sum(column) for column in zip(*work, strict=True))
    assert flops == pytest.approx(float(wanted.flops), rel=1e-12)
    moved += cost.weight_bytes(tokens)
    assert moved == pytest.approx(float(wanted.weight_bytes + wanted.kv_bytes), rel=1e-12, abs=2)
    assert cost.ns(tokens, flops, moved) == pytest.approx(float(wanted.seconds) * 1e9, abs=1)


@given(model=st.sampled_from(MODELS), context=st.integers(1, 5000))
def test_decoding_on_costs_what_each_step_costs(model, context):
    cost = COSTS[model, 1]
    flops, moved, more_flops, more_moved = cost.decode(context)
    assert (flops, moved) == cost.sequence(1, context)
    assert (flops + more_flops, moved + more_moved) == cost.sequence(1, context + 1)


@given(new=st.integers(1, 60), before=st.integers(0, 60), window=st.integers(1, 80))
def test_pairs_are_those_that_a_window_lets_through(new, before, window):
    keys = range(before + 1, before + new + 1)
    assert pairs(new, before + new, window) == sum(min(key, window) for key in keys)
    assert pairs(new, before + new, NO_WINDOW) == sum(keys)


def test_two_gpus_halve_the_work_and_add_the_all_reduce():
    one, two = (COSTS["meta-llama/Llama-3.1-8B", tp] for tp in (1, 2))
    flops, moved = one.sequence(1, 1)[0], 10**9
    assert two.flop_ns == pytest.approx(one.flop_ns / 2)
    # 2 x 32 all-reduces of 4096 bf16 values, half of each sent twice, over 450 GB/s at 75 %.
    sent = 2 * 32 * 4096 * 2 * 2 * 1 / 2
    assert two.extra_ns(1) - 0.5 == pytest.approx(sent / (450 * 0.75))
    busy = (flops * two.flop_ns) ** KNEE + (moved * two.byte_ns) ** KNEE
    assert two.ns(1, flops, moved) == int(busy ** (1 / KNEE) + two.extra_ns(1))


def test_what_cannot_be_timed_is_a_sentence():
    with pytest.raises(ScenarioError, match="rate in the catalog; expected a GPU that has one"):
        StepCost(Scenario(gpu="B100"), Efficiency())
    with pytest.raises(ScenarioError, match="tp 3 does not divide the heads"):
        StepCost(Scenario(tp=3), Efficiency())
