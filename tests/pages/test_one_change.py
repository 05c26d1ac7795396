"""A change of a knob makes one plan and one timeline, and is told to each component once."""

import sys
from collections import Counter

import pytest
from bokeh.document import Document
from panel.io.state import set_curdoc

from kvviz.engines.planning import plan
from kvviz.pages.hbm.controls import Controls
from kvviz.pages.hbm.page import PAGE
from kvviz.pages.hbm.player import Player
from kvviz.pages.hbm.results import shared_results
from kvviz.pages.hbm.session import Session

CHANGES = [
    {"model": "google/gemma-3-27b-it"},
    {"gpu": "MI300X"},
    {"batch": 37},
    {"run_length": 8_111},
    {"max_model_len": 16_111},
    {"tp": 2},
    {"pp": 2},
    {"weights_dtype": "int4"},
    {"kv_dtype": "fp8"},
    {"mode": "vllm"},
    {"block_size": 64},
    {"ragged": 0.3},
    {"paged": False},
    {"flash": False},
    {"batching": "static"},
]
COUNTED = (
    "plan_under",
    "growth",
    "estimate",
    "fullest_shard",
    "kv_tokens",
    "replaced",
    "_workload",
)


@pytest.fixture
def visit():
    """The session of an open page, and its parts by their kinds."""
    session = Session()
    with set_curdoc(Document()):
        columns = PAGE.areas(session).columns
    return session, columns["side"], columns["centre"]


def counted(change):
    """Return how often each function of interest is called in the core and on the page."""
    calls = Counter()

    def count(frame, event, _argument):
        name = frame.f_code.co_name
        if event == "call" and name in COUNTED and "kvviz" in frame.f_code.co_filename:
            calls[name] += 1

    sys.setprofile(count)
    try:
        change()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "-".join(change))
def test_a_change_makes_one_plan_and_one_timeline(visit, change):
    session, *_ = visit
    plan.cache_clear()
    shared_results.cache_clear()
    calls = counted(lambda: session.scenario.param.update(**change))
    assert session.problem == ""
    once = dict.fromkeys(("plan_under", "growth", "estimate", "fullest_shard", "_workload"), 1)
    assert {name: calls[name] for name in once} == once
    assert calls["replaced"] == 0
    windows = {layer.window for layer in session.scenario.the_model.layers}
    assert calls["kv_tokens"] <= 20 * len(windows)


def test_what_was_seen_before_is_not_made_again(visit):
    session, *_ = visit
    for batch in (37, 32):
        session.scenario.batch = batch
    calls = counted(lambda: session.scenario.param.update(batch=37))
    assert (calls["growth"], calls["estimate"], calls["kv_tokens"]) == (0, 0, 0)


def told_of(*parts):
    """Count, from now on, how often each component is told of anything but its fleet."""
    told = Counter()
    for part in parts:
        part.param.watch(
            lambda *events: told.update([type(events[0].obj)]),
            [n for n in part.param if n != "fleet"],
        )
    return told


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "-".join(change))
def test_each_component_is_told_once(visit, change):
    session, controls, player = visit
    told = told_of(controls, player)
    session.scenario.param.update(**change)
    assert told == {Controls: 1, Player: 1}


def test_a_change_that_is_a_problem_is_told_to_the_controls_alone(visit):
    session, controls, player = visit
    told = told_of(controls, player)
    session.scenario.tp = 7
    assert "tp 7 does not divide" in controls.problem
    assert told == {Controls: 1}


def test_only_what_differs_is_sent(visit):
    session, controls, player = visit
    sent = []
    for part in (controls, player):
        part.param.watch(
            lambda *events: sent.extend(e.name for e in events),
            [n for n in part.param if n != "fleet"],
        )
    session.scenario.batch = 33
    assert "lists" not in sent
    assert {"places", "fleet_places", "summary"}.isdisjoint(sent)
    assert {"cards", "totals", "revision"} <= {*sent}
