"""The growth run against a page-by-page simulation that adds one token of context at a time."""

import time
from collections import Counter
from itertools import product
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.catalog.models.model import Layer, Model, Tensors
from kvviz.memory import estimate
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.sim.workload.growth import growth, growth_totals
from kvviz.timeline import State

FULL = Layer("full", 4, 2, 4, 16)  # 32 B a token in bf16
SLIDING = Layer("sliding", 4, 2, 4, 16, window=7)
CHUNKED = Layer("chunked", 4, 2, 4, 24, window=20)
LINEAR = Layer("linear", 4, 0, 4, 0, state_values=300, conv_values=40)
ROOMY = 10**7
TOGGLES = list(product(["continuous", "static"], [True, False], [True, False]))


def toy(*layers):
    tensors = [Tensors("embedding", None, 500, 0, "tp", False, "bf16")]
    tensors += [Tensors("mlp", i, 700 + 33 * i, 1, "tp", True, "bf16") for i in range(len(layers))]
    tensors.append(Tensors("head", None, 510, 1, "tp", False, "bf16"))
    return Model("toy", "toy", "bf16", "fp32", 8, 50, 4096, layers, tuple(tensors), False)


DENSE, HYBRID, RECURRENT = toy(FULL, FULL), toy(LINEAR, FULL, LINEAR), toy(LINEAR, LINEAR)
MODELS = [DENSE, toy(SLIDING, FULL, SLIDING, CHUNKED), toy(SLIDING, SLIDING), HYBRID]


@st.composite
def scenarios(draw):
    run_length = draw(st.integers(1, 45))
    batching, paged, flash = draw(st.sampled_from(TOGGLES))
    return Scenario(
        own_models={"toy": draw(st.sampled_from(MODELS))},
        model="toy",
        batch=draw(st.integers(1, 6)),
        context=draw(st.integers(1, run_length)),
        run_length=run_length,
        max_model_len=run_length + draw(st.integers(0, 30)),
        ragged=draw(st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1)),
        block_size=draw(st.integers(1, 9)),
        batching=batching,
        paged=paged,
        flash=flash,
        reservation=draw(st.sampled_from(["exact", "pow2", "max"])),
    )


def length(s, longest, i):
    return ceil(longest * (1 - s.ragged * i / (s.batch - 1))) if s.batch > 1 else longest


def page_bytes(s):
    """A block of tokens in the layers with the largest window."""
    kinds = Counter()
    for layer in s.the_model.layers:
        if layer.cached_values:
            kinds[layer.window or 10**9] += 2 * layer.cached_values
    return s.block_size * kinds[max(kinds)]


def pages(s, tokens):
    """Pages that one sequence of `tokens` fills: its state, and each layer's tokens or blocks."""
    held = 0
    for layer in s.the_model.layers:
        held += 4 * layer.state_values + 2 * layer.conv_values
        kept = min(tokens, layer.window or tokens)
        if s.paged:
            kept = ceil(kept / s.block_size) * s.block_size
        held += 2 * layer.cached_values * kept
    return ceil(held / page_bytes(s))


def region(s, i):
    final = length(s, s.final_length, i)
    if s.batching == "static" or s.reservation == "max":
        return s.max_model_len
    if s.reservation == "exact":
        return final
    return min(next(2**k for k in range(99) if 2**k >= final), s.max_model_len)


def simulated(s, contexts):
    """Yield each sequence's pages in all and those in use, one context after the other."""
    for n in contexts:
        used = [pages(s, length(s, n, i)) for i in range(s.batch)]
        if not s.paged:
            held = [pages(s, region(s, i)) for i in range(s.batch)]
        else:
            held = [pages(s, n) for _ in used] if s.batching == "static" else used
        yield n, held, used


def weight_pages(s):
    size = page_bytes(s) if any(x.cached_values for x in s.the_model.layers) else 2**21
    return ceil(2 * s.the_model.parameters / size)


@settings(max_examples=80)
@given(scenarios())
def test_every_page_at_every_token(s):
    timeline, start = growth(s, ROOMY), weight_pages(s)
    assert timeline.page_bytes == page_bytes(s)
    before = timeline.at(0)
    for n, held, used in simulated(s, range(s.final_length + 1)):
        now = timeline.at(n)
        assert set(now.state[:start]) == {State.WEIGHTS}
        cache = slice(start, start + sum(held))
        taken = Counter(now.owner[cache].tolist())
        filled = Counter(now.owner[now.state == State.USED].tolist())
        assert [taken[i] for i in range(s.batch)] == held
        assert [filled[i] for i in range(s.batch)] == used
        # Taken without a gap, never given to another, and the rest is free.
        assert not (now.state[cache] == State.FREE).any()
        assert not now.state[cache.stop :].any()
        kept = before.state != State.FREE
        assert (now.owner[kept] == before.owner[kept]).all()
        assert (now.state >= before.state).all()
        before = now


@pytest.mark.parametrize("model", [*MODELS, RECURRENT])
def test_a_page_of_weights_belongs_to_the_layer_of_its_first_byte(model):
    timeline = growth(Scenario(own_models={"toy": model}, model="toy"), ROOMY)
    ends = {-1: 2 * 500}
    for i in range(len(model.layers)):
        ends[i] = ends[i - 1] + 2 * (700 + 33 * i)
    ends[len(model.layers)] = 2 * model.parameters
    expected = [
        next(layer for layer, end in ends.items() if end > first)
        for first in range(0, 2 * model.parameters, timeline.page_bytes)
    ]
    assert timeline.at(0).owner[: len(expected)].tolist() == expected


@settings(max_examples=40)
@given(scenarios(), st.integers(0, 250))
def test_a_limit_cuts_the_record_and_changes_nothing_below(s, limit):
    whole, cut = growth(s, ROOMY), growth(s, limit * page_bytes(s) + page_bytes(s) // 2)
    recorded = max(limit, weight_pages(s))
    assert cut.pages == recorded
    for n in range(s.final_length + 1):
        for found, expected in zip(cut.at(n), whole.at(n), strict=True):
            assert found.tolist() == expected[:recorded].tolist()
    assert cut.totals["held_pages"].tolist() == whole.totals["held_pages"].tolist()


@settings(max_examples=30)
@given(scenarios())
def test_held_pages_count_what_lies_beyond_the_record_too(s):
    totals, start = growth(s, 0).totals, weight_pages(s)
    contexts = totals["when"].astype(int).tolist()
    expected = [start + sum(held) for _, held, _ in simulated(s, contexts)]
    assert totals["held_pages"].tolist() == expected


@settings(max_examples=20)
@given(scenarios())
def test_changes_are_sorted_and_each_page_goes_only_from_reserved_to_used(s):
    changes, seen = growth(s, ROOMY).changes, {}
    moments = Counter()
    assert (np.diff(changes.when.astype(int)) >= 0).all()
    for when, page, count, owner, state in zip(*(c.tolist() for c in changes), strict=True):
        for p in range(page, page + count):
            assert seen.get(p) in (None, (owner, State.RESERVED))
            assert seen.get(p) != (owner, state)
            seen[p] = (owner, state)
            moments[when, p] += count == 1
    assert not s.paged or max(moments.values()) == 1


@pytest.mark.parametrize(("batching", "paged", "flash"), TOGGLES)
@pytest.mark.parametrize("reservation", ["exact", "pow2", "max"])
def test_totals_rows_are_the_estimates_at_those_contexts(batching, paged, flash, reservation):
    knobs = {"batching": batching, "paged": paged, "flash": flash, "reservation": reservation}
    toys = {"toy": HYBRID}
    s = Scenario(own_models=toys, model="toy", batch=5, context=30, max_model_len=99, **knobs)
    s = s.replaced(ragged=0.7, utilization=12_000 / s.the_gpu.reported_bytes)
    totals = growth_totals(s)
    assert totals["when"].tolist() == list(range(1, 61))
    for row in (0, 15, 29, 59):
        report = estimate(s.replaced(context=row + 1, run_length=60))
        found = {name: column[row] for name, column in totals.items()}
        assert found["tokens"] == report.kv["tokens"]
        for part in ("used", "allocated", "reserved", "internal"):
            assert found[f"kv_{part}"] == report.kv[f"{part}_bytes"]
        assert found["scores"] == report.scores["bytes"]
        assert found["avoided"] == report.scores["avoided_bytes"]
        assert found["total"] == report.total_bytes
        assert found["gpus"] == (report.gpus_needed or 0)
        assert {key: found[f"delta_{key}"] for key in report.deltas} == report.deltas


def test_pages_of_one_kind_of_layer_are_the_reports_bytes():
    s = Scenario(context=4000, ragged=0.5)
    now = growth(s, s.the_gpu.reported_bytes).at(4000)
    report = estimate(s)
    assert (now.state == State.USED).sum() * 2**21 == report.kv["allocated_bytes"]
    slots = estimate(s.replaced(paged=False)).kv
    room = s.replaced(paged=False)
    reserved = growth(room, room.the_gpu.reported_bytes).at(4000).state == State.RESERVED
    assert reserved.sum() == slots["reserved_bytes"] // 2**21


@pytest.mark.parametrize(
    ("model", "size"),  # 16 tokens in half of all layers and half of a layer's heads
    [("Llama-3.1-8B", 16 * 131_072 // 4), ("gemma-3-27b-it", 16 * 81_920 // 4)],
)
def test_a_split_run_records_its_fullest_gpu(model, size):
    s = Scenario(model=model, tp=2, pp=2)  # gemma's last stage has a copy of the tied embedding
    timeline, per_gpu = growth(s, s.the_gpu.reported_bytes), estimate(s).per_gpu
    assert timeline.page_bytes == size
    state = timeline.at(4096).state
    assert (state == State.WEIGHTS).sum() == ceil(per_gpu["weights"] / size)
    assert (state == State.USED).sum() == 32 * ceil(per_gpu["kv"] // 32 / size)


def test_a_purely_recurrent_model_holds_its_state_from_the_start():
    s = Scenario(own_models={"toy": RECURRENT}, model="toy", batch=3, context=5)
    now = growth(s, 2**24).at(0)
    assert now.owner[now.state == State.USED].tolist() == [0, 1, 2]  # a page of 2 MiB each


def test_long_runs_keep_their_record_within_the_capacity():
    tiny = Scenario(model="TinyLlama-1.1B-Chat-v1.0", gpu="V100 SXM2 16GB", batch=1024)
    tiny = tiny.replaced(context=2**20, max_model_len=2**20, ragged=0.5)
    for changes in ({}, {"paged": False}, {"batching": "static", "flash": False}):
        start = time.perf_counter()
        timeline = growth(tiny.replaced(**changes), tiny.the_gpu.reported_bytes)
        took = time.perf_counter() - start
        print(f"{changes}: {took:.2f} s, {len(timeline.changes.when):,} changes")
        assert took < 2
        assert timeline.pages == tiny.the_gpu.reported_bytes // timeline.page_bytes
        assert len(timeline.changes.when) <= 2 * timeline.pages
        assert len(timeline.totals["when"]) <= 1025


def test_contradictory_settings_are_refused():
    with pytest.raises(ScenarioError):
        growth(Scenario(context=10, run_length=5), ROOMY)
