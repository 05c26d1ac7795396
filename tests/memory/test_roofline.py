"""Step times: the arithmetic done by hand, and what any roofline must obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.catalog.measured.efficiency import KNEE
from kvviz.cost.roofline import decode_step, prefill_step, step
from kvviz.settings.scenario import Scenario

LLAMA = Scenario(ragged=0.5)


def at(context):
    return np.array([context])


def test_a_decode_step_of_llama_by_hand():
    done = decode_step(LLAMA, at(4096))
    products = 8_030_261_248 - 128_256 * 4096  # all but the input embedding
    tokens = 98_319  # the sum of the 32 lengths
    assert done.weight_bytes[0] == 2 * products
    assert done.kv_bytes[0] == (tokens + 32) * 131_072
    assert done.flops[0] == 2 * products * 32 + 4 * 32 * 128 * 32 * tokens


def test_a_prefill_reads_each_weight_once_and_sees_half_the_square():
    one = Scenario(batch=1)
    done = prefill_step(one, at(1000))
    products = 8_030_261_248 - 128_256 * 4096
    assert done.weight_bytes[0] == 2 * products
    pairs = 1000 * 1001 / 2
    assert done.flops[0] == 2 * products * 1000 + 4 * 32 * 128 * 32 * pairs


def test_equal_terms_take_the_knee_longer():
    """At the ridge point both shares are equal, and the step is 2^(1/2.3) times either."""
    contexts = np.arange(1, 4096)
    steps = step(Scenario(batch=1), contexts[:, None], contexts[:, None])
    nearest = np.argmin(np.abs(steps.compute_share - steps.memory_share))
    assert steps.compute_share[nearest] == pytest.approx(2 ** (-1 / KNEE), rel=0.01)


@pytest.mark.parametrize("window", [1, 3, 8, 100])
def test_a_window_counts_the_pairs_it_lets_through(window):
    model = "mistralai/Mistral-7B-v0.1"
    scenario = Scenario(model=model, batch=1)
    layers = scenario.the_model.layers
    assert {layer.window for layer in layers} == {4096}
    new, context = 5000 + window, 9000
    pairs = sum(min(j, 4096) for j in range(context - new + 1, context + 1))
    products = sum(g.active for g in scenario.the_model.tensors if g.part != "embedding")
    done = step(scenario, np.array([[new]]), np.array([[context]]))
    assert done.flops[0] == pytest.approx(2 * products * new + 4 * 32 * 128 * 32 * pairs, rel=1e-12)


def test_experts_are_read_as_far_as_they_are_chosen():
    few, many = (Scenario(model="mistralai/Mixtral-8x7B-v0.1", batch=b) for b in (1, 256))
    whole = sum(2 * g.count for g in few.the_model.tensors if g.part != "embedding")
    experts = sum(2 * g.count for g in few.the_model.tensors if g.part == "experts")
    assert decode_step(few, at(100)).weight_bytes[0] == whole - experts * 6 / 8
    assert decode_step(many, at(100)).weight_bytes[0] == pytest.approx(whole, rel=1e-6)


def test_a_gpu_without_a_known_rate_has_no_time():
    assert np.isnan(decode_step(Scenario(gpu="B100"), at(4096)).seconds[0])


@given(
    context=st.integers(1, 100_000),
    batch=st.integers(1, 64),
    mfu=st.floats(0.1, 1),
    mbu=st.floats(0.1, 1),
)
def test_time_is_never_under_either_bound(context, batch, mfu, mbu):
    scenario = Scenario(batch=batch, mfu=mfu, mbu=mbu, max_model_len=200_000)
    for done in (decode_step(scenario, at(context)), prefill_step(scenario, at(context))):
        assert 0 < done.compute_share[0] <= 1
        assert 0 < done.memory_share[0] <= 1
        assert max(done.compute_share[0], done.memory_share[0]) >= 2 ** (-1 / KNEE) - 1e-9


def test_a_step_takes_what_is_known_besides_its_work():
    """Launches on the RTX 4090, fitted together with its shares, are part of every step."""
    fitted = Scenario(gpu="RTX 4090", batch=1)
    done = decode_step(fitted, at(1024))
    busy = (done.compute_share**KNEE + done.memory_share**KNEE) ** (1 / KNEE) * done.seconds
    assert done.seconds[0] - busy[0] == pytest.approx(fitted.efficiency.overhead_s)
    assert fitted.efficiency.overhead_s == 0.001
