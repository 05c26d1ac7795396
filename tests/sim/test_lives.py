"""Requests as phases: against the ledger, the totals and the arithmetic of tokens."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import Serving
from kvviz.sim.policies import policies
from kvviz.sim.results.lives import Lives, Phase, counts, lives
from kvviz.sim.results.outcome import Outcome
from kvviz.sim.simulate import simulate
from kvviz.sim.workload.synthetic import synthetic

POOL = 401
TIGHT = {"num_blocks": POOL, "max_num_seqs": 8, "max_num_batched_tokens": 256}


def run(policy: str, seed: int, requests: int = 30, rate: float = 20.0) -> Outcome:
    serving = Serving(policy=policy, max_model_len=2048, **TIGHT)
    workload = synthetic(requests=requests, seed=seed, rate=rate, longest=1500)
    return simulate(Scenario(), serving, workload, record=True)


@pytest.fixture(params=sorted(policies()))
def outcome(request) -> Outcome:
    return run(request.param, seed=3)


def last_of(its: Lives) -> np.ndarray:
    return np.append(its.request[1:] != its.request[:-1], True)


def test_phases_follow_each_other_from_arrival_to_end(outcome: Outcome):
    its, rows = lives(outcome), outcome.requests()
    first = np.append(True, last_of(its)[:-1])
    assert (its.phase[first] == Phase.WAITING).all()
    assert its.start[first] / 1e9 == pytest.approx(rows["queued_s"])
    assert its.end[last_of(its)] / 1e9 == pytest.approx(rows["end_s"])
    assert (its.start[~first] == its.end[:-1][~first[1:]]).all()
    assert (its.end >= its.start).all()
    preempted = np.bincount(its.request[its.phase == Phase.PREEMPTED], minlength=len(rows["id"]))
    assert preempted.tolist() == rows["preemptions"].tolist()


def test_tokens_of_a_decode_grow_by_one_a_step_to_the_end(outcome: Outcome):
    its, rows = lives(outcome), outcome.requests()
    steps = np.searchsorted(outcome.recorded.step_ends, its.end, side="right")
    after = its.tokens + np.where(its.phase == Phase.DECODE, steps - its.step, 0)
    ends = after[last_of(its)]  # the last token is sampled and never cached
    assert ends.tolist() == (rows["prompt"] + rows["output"] - 1).tolist()


@settings(max_examples=12)
@given(st.sampled_from(sorted(policies())), st.integers(0, 99), st.sampled_from([2.0, 20.0, 200.0]))
def test_counts_are_the_engines_after_every_event(policy: str, seed: int, rate: float):
    outcome = run(policy, seed, rate=rate)
    found, totals = counts(lives(outcome)), outcome.totals()
    ns = outcome.usage.rows["ns"]
    latest = np.append(np.diff(ns) > 0, True)  # at one moment, the last row holds
    at = np.searchsorted(found.ns, ns, side="right")[latest] - 1
    assert found.running[at].tolist() == totals["running"][latest].tolist()
    assert found.ended[at].tolist() == totals["ended"][latest].tolist()
    # The engine sees an arrival at its next step, this count at once.
    assert (found.waiting[at] >= totals["waiting"][latest]).all()
    arrived = np.searchsorted(np.sort(outcome.columns.arrived_ns), ns[latest], side="right")
    assert (found.running[at] + found.waiting[at] + found.ended[at]).tolist() == arrived.tolist()
    assert found.running[-1] == found.waiting[-1] == 0
