"""What a run says of itself: shares that add up, sums over time that are exact, frames, JSON."""

import json
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.settings.serving import Serving
from kvviz.sim.engine import usage
from kvviz.sim.policies import policies
from kvviz.sim.results.lives import lives
from kvviz.sim.simulate import simulate
from kvviz.sim.workload.synthetic import SystemPrompts, synthetic
from kvviz.sim.workload.workload import Workload
from tests.sim.test_sim_run import servings, workloads


@pytest.mark.parametrize("policy", policies())
@settings(max_examples=40)
@given(workload=workloads(), serving=servings(), extra=st.integers(0, 40))
def test_shares_of_the_pool_add_up_to_all_of_it(policy, workload, serving, extra):
    serving = serving.replaced(policy=policy, num_blocks=257 + extra)
    kv = simulate(Scenario(), serving, workload).kv()
    assert sum(kv["shares"].values()) == pytest.approx(1)
    assert min(kv["shares"].values()) >= -1e-12
    assert 0 < kv["peak_blocks"] <= 256 + extra


def test_the_mean_of_the_used_blocks_is_that_of_every_step():
    """One request alone: its blocks at every step, weighted by the steps' times, by hand."""
    workload = Workload("one", np.zeros(1, int), np.array([33]), np.array([40]))
    outcome = simulate(Scenario(), Serving(num_blocks=11, prefix_caching=False), workload)
    ends = simulate(Scenario(), outcome.serving, workload, record=True).recorded.step_ends
    steps = np.diff(np.append(0, ends))
    tokens = 33 + np.arange(len(steps))
    assert len(steps) == 40
    kv = outcome.kv()
    assert kv["shares"]["used"] == pytest.approx((tokens / 16 * steps).sum() / steps.sum() / 10)
    taken = -(-tokens // 16)
    assert kv["shares"]["free"] == pytest.approx(1 - (taken * steps).sum() / steps.sum() / 10)
    assert kv["peak_blocks"] == 5
    assert outcome.summary()["ttft_s"]["mean"] == pytest.approx(steps[0] / 1e9)
    assert outcome.summary()["tpot_s"]["mean"] == pytest.approx(steps[1:].mean() / 1e9)


def test_a_run_can_be_read_as_frames_and_json():
    outcome = simulate(Scenario(), Serving(), synthetic(requests=60))
    requests, totals = outcome.requests_frame(), outcome.totals_frame()
    assert len(requests) == 60
    assert (requests["first_token_s"] > requests["queued_s"]).all()
    assert totals["when"].is_monotonic_increasing
    assert totals["running"].max() == outcome.summary()["peak_running"]
    pool = totals[["used", "reserved", "internal", "rounding", "cached", "free"]].sum(axis=1)
    assert np.allclose(pool, outcome.num_blocks - 1)
    json.dumps(outcome.summary(), allow_nan=False)


def test_a_long_run_keeps_few_rows_and_every_sum(monkeypatch):
    workload, serving = synthetic(requests=600), Serving(max_num_seqs=64)
    whole = simulate(Scenario(), serving, workload)
    monkeypatch.setattr(usage, "MOST_ROWS", 512)
    outcome = simulate(Scenario(), serving, workload)
    ns = outcome.usage.rows["ns"]
    assert len(whole.usage.rows["ns"]) > 3 * 512
    assert 256 <= len(ns) < 512
    assert np.isin(ns, whole.usage.rows["ns"]).all()
    assert outcome.kv() == whole.kv()


@pytest.mark.parametrize(
    ("serving", "workload", "said"),
    [
        ({"max_num_seqs": 99, "max_num_batched_tokens": 9}, (5, 5), "is less than max_num_seqs 99"),
        ({"max_model_len": 50}, (50, 5), "request 0 has a prompt of 50 tokens; expected fewer"),
        (
            {"num_blocks": 4},
            (40, 20),
            "request 0 needs 4 blocks by its end; expected at most the 3",
        ),
        ({"num_blocks": 9, "policy": "orca"}, (4, 4), "needs 1,024 blocks by its end"),
    ],
)
def test_what_can_never_be_served_is_a_sentence(serving, workload, said):
    prompt, output = (np.array([length]) for length in workload)
    with pytest.raises(ScenarioError, match=said):
        simulate(Scenario(), Serving(**serving), Workload("one", np.zeros(1, int), prompt, output))


def test_a_model_that_leaves_no_room_is_a_sentence():
    with pytest.raises(
        ScenarioError, match="its KV cache on GeForce RTX 4090 cannot hold one sequence"
    ):
        simulate(Scenario(model="Qwen/Qwen2.5-72B", gpu="RTX 4090"), Serving(), synthetic())


def test_a_policy_by_another_name_is_a_sentence():
    with pytest.raises(LookupError, match="Unknown policy 'fifo'"):
        simulate(Scenario(), Serving(policy="fifo"), synthetic(requests=3))


@pytest.mark.parametrize("record", [False, True])
def test_an_outcome_is_a_value_that_holds_no_engine(record):
    texts = SystemPrompts(4, 64)
    workload = synthetic(requests=50, system_prompts=texts)
    serving = Serving(num_blocks=3001)
    outcome = simulate(Scenario(), serving, workload, record=record)
    told = outcome.summary()
    written = pickle.dumps(outcome)
    for name in (
        b"Engine",
        b"Batch",
        b"Decoding",
        b"Ledger",
        b"PagedCache",
        b"Request\x94",
        b"Pieces",
    ):
        assert name not in written
    assert len(written) < 2_000_000
    serving.block_size = 32  # the outcome has settings of its own
    again = pickle.loads(written)
    assert again.summary() == outcome.summary() == told
    assert (again.history is not None) == record
    with pytest.raises(FrozenInstanceError):
        outcome.steps = 0


def test_what_was_not_recorded_cannot_be_played():
    outcome = simulate(Scenario(), Serving(), synthetic(requests=3))
    for read in (outcome.timeline, lambda: lives(outcome)):
        with pytest.raises(ValueError, match="The run was not recorded"):
            read()
