"""Synthetic workloads have the statistics they are drawn from, and these are the traces' own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.catalog.published.workloads import CODE, CONVERSATION, SHAREGPT, TRAFFIC, Lengths
from kvviz.settings.scenario import ScenarioError
from kvviz.sim.workload.synthetic import SystemPrompts, arrivals, synthetic
from kvviz.sim.workload.traces import read_workload
from kvviz.sim.workload.workload import Workload

MANY = 200_000


def gaps(workload):
    return np.diff(workload.arrival) / 1e9


@pytest.mark.parametrize("traffic", TRAFFIC.values(), ids=TRAFFIC)
def test_draws_have_the_published_statistics(traffic):
    drawn = synthetic(traffic, MANY, seed=5)
    # Five standard errors of a mean over this many draws, and half a token of rounding.
    for column, lengths in ((drawn.prompt, traffic.prompt), (drawn.output, traffic.output)):
        spread = lengths.mean * np.sqrt(np.expm1(lengths.sigma**2))
        assert column.mean() == pytest.approx(lengths.mean, abs=5 * spread / np.sqrt(MANY) + 0.1)
        assert np.median(column) == pytest.approx(lengths.median, rel=0.02, abs=1)
        assert np.log(column[column > 20]).std() < 1.1 * lengths.sigma
    tolerance = 5 * traffic.variation / np.sqrt(MANY)
    assert gaps(drawn).mean() == pytest.approx(1 / traffic.rate, rel=tolerance)
    assert gaps(drawn).std() * traffic.rate == pytest.approx(traffic.variation, rel=0.1)


@pytest.mark.parametrize(("traffic", "name"), [(CONVERSATION, "conv"), (CODE, "code")])
def test_the_figures_of_the_azure_traces_are_the_traces_own(shared, traffic, name):
    trace = read_workload(shared / f"traces/AzureLLMInferenceTrace_{name}.csv")
    for column, lengths in ((trace.prompt, traffic.prompt), (trace.output, traffic.output)):
        assert lengths.mean == pytest.approx(column.mean(), abs=0.001)
        assert lengths.median == pytest.approx(np.median(column), abs=1e-9)
    assert traffic.rate == pytest.approx(1 / gaps(trace).mean(), abs=1e-4)
    assert traffic.variation == pytest.approx(gaps(trace).std() / gaps(trace).mean(), abs=1e-4)


def test_the_means_of_sharegpt_are_the_papers():
    assert (SHAREGPT.prompt.mean, SHAREGPT.output.mean) == (161, 338)
    assert "sigma" in SHAREGPT.assumed


def test_exponential_gaps_at_variation_one():
    gaps = np.diff(arrivals(MANY, 10, 1, seed=3)) / 1e9
    for quantile in (0.1, 0.5, 0.9, 0.99):
        assert np.quantile(gaps, quantile) == pytest.approx(-np.log1p(-quantile) / 10, rel=0.03)


@pytest.mark.parametrize("variation", [0.25, 1.0, 3.0])
def test_gaps_spread_as_asked(variation):
    gaps = np.diff(arrivals(MANY, 7, variation, seed=1)) / 1e9
    assert gaps.mean() == pytest.approx(1 / 7, rel=0.03)
    assert gaps.std() / gaps.mean() == pytest.approx(variation, rel=0.03)


def test_without_variation_all_gaps_are_alike():
    assert arrivals(5, 4, 0).tolist() == [0, 250_000_000, 500_000_000, 750_000_000, 10**9]


@settings(max_examples=50)
@given(
    st.integers(1, 200),
    st.integers(0, 2**32),
    st.floats(0.01, 1000),
    st.just(0) | st.floats(0.001, 5),
    st.none() | st.integers(1155, 3000),
)
def test_a_seed_fixes_all_requests_and_the_rate_no_length(requests, seed, rate, variation, longest):
    shape = {"longest": longest, "system_prompts": SystemPrompts(3, 50)}
    one = synthetic(CONVERSATION, requests, seed, rate=rate, variation=variation, **shape)
    two = synthetic(CONVERSATION, requests, seed, rate=rate, variation=variation, **shape)
    other = synthetic(CONVERSATION, requests, seed, **shape)
    assert one.arrival.tolist() == two.arrival.tolist()
    for name in ("prompt", "output"):
        assert getattr(one, name).tolist() == getattr(two, name).tolist()
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert one.arrival[0] == 0
    assert (np.diff(one.arrival) >= 0).all()
    assert one.prompt.min() > 50
    assert one.output.min() >= 1
    assert longest is None or max(one.prompt.max() - 50, one.output.max()) <= longest


def test_other_seeds_give_other_requests():
    assert synthetic(seed=1).prompt.tolist() != synthetic(seed=2).prompt.tolist()


def test_system_prompts_are_shared_by_zipf_and_the_rest_is_not():
    texts = SystemPrompts(4, 30, skew=1.0)
    drawn = synthetic(replace(SHAREGPT, prompt=Lengths(8, 1)), 5_000, system_prompts=texts)
    first = np.array([drawn.contents(index)[0] for index in range(len(drawn))])
    share = np.unique(first, return_counts=True)[1] / len(drawn)
    harmonic = sum(1 / k for k in range(1, 5))
    assert share.tolist() == pytest.approx([1 / k / harmonic for k in range(1, 5)], abs=0.035)
    own = np.concatenate([drawn.contents(index)[30:] for index in range(len(drawn))])
    assert len(np.unique(own)) == len(own) == drawn.prompt.sum() - 30 * len(drawn)
    heads = {tuple(drawn.contents(index)[:30]) for index in range(len(drawn))}
    assert len(heads) == 4


def test_another_rate_stretches_all_gaps_alike():
    drawn = synthetic(requests=50, seed=2)
    faster = drawn.at_rate(100.0)
    assert (len(faster) - 1) / (faster.arrival[-1] / 1e9) == pytest.approx(100.0)
    ratio = np.diff(drawn.arrival) / np.diff(faster.arrival)
    assert ratio == pytest.approx(np.full(49, ratio[0]), rel=1e-3)
    for without in (drawn.at_once(), replace(drawn, in_steps=True)):
        with pytest.raises(ScenarioError, match="has no request rate to change"):
            without.at_rate(100.0)


def test_a_part_keeps_what_its_prompts_say():
    texts = np.arange(12).reshape(4, 3)
    column = np.array([3, 3, 3, 3])
    whole = Workload("four", 10 * np.arange(4), column, column, texts.__getitem__)
    part = whole.part(1, 2)
    assert part.arrival.tolist() == [0, 10]
    assert [part.contents(index).tolist() for index in (0, 1)] == texts[1:3].tolist()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: synthetic(requests=0), "0 requests of seed 0"),
        (lambda: synthetic(seed=-1), "a seed from 0"),
        (lambda: synthetic(rate=0), "a rate over 0"),
        (lambda: synthetic(rate=float("nan")), "a rate over 0"),
        (lambda: synthetic(variation=-1), "a variation of 0 or from 0.001 to 100"),
        (lambda: synthetic(longest=100), "expected at least 1,154.7"),
        (lambda: synthetic(rate=1e-9), "after 292 years"),
        (lambda: SystemPrompts(0, 5), "at least one"),
        (lambda: Lengths(0.5, 1), "a mean from 1"),
        (lambda: Lengths.with_median(10, 11), "from 1 to the mean, 10"),
    ],
)
def test_what_no_distribution_has_is_an_error_of_one_sentence(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
