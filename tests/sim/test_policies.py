"""A policy is one file: both engines call it and agree, and the command, API and page find it."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.settings.serving import Serving
from kvviz.sim import policies as room
from kvviz.sim.cache.paged import PagedCache
from kvviz.sim.cache.reserved import BatchCache, ReservedCache
from kvviz.sim.engine.run import Engine
from kvviz.sim.engine.step import StepEngine
from kvviz.sim.policies import find_policy, policies
from kvviz.sim.policies.base import Policy
from kvviz.sim.simulate import simulate
from kvviz.sim.workload.request import Request
from kvviz.sim.workload.workload import Workload
from tests.sim.test_sim_record import same_blocks
from tests.sim.test_sim_run import MODELS, agree, cost, least_blocks, servings, workloads

RECIPES = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
SHORTEST = RECIPES.split("## Add a scheduling policy")[1].split("```python\n")[1].split("```")[0]

# Each with whether it keeps what `steady` promises.
ORDERS = {
    "first come": (lambda request, state: request.index, True),
    "last come": (lambda request, state: -request.index, True),
    "short prompts": (lambda request, state: request.prompt, True),
    "three classes": (lambda request, state: (request.index % 3, -request.last), True),
    "longest prefix": (lambda request, state: -len(state.cache.hits(request)), False),
    "by the clock": (lambda request, state: (state.clock // 7 + request.index) % 5, False),
}
ADMISSIONS = {
    "with a budget": (lambda request, state: state.budget > 0, True),
    "whole batches": (lambda request, state: len(state.running) == state.joined, True),
    "one a step": (lambda request, state: state.budget > 0 and not state.joined, False),
    "whole prompts": (
        lambda request, state: request.tokens <= state.budget or not state.running,
        False,
    ),
    "room for all to come": (
        lambda request, state: (
            state.budget > 0
            and (not state.running or state.cache.free * state.serving.block_size > request.last)
        ),
        True,
    ),
    "while others are young": (
        lambda request, state: (
            state.budget > 0 and all(it.computed % 3 for it in list(state.running)[:2])
        ),
        False,
    ),
    "three at once": (
        lambda request, state: (
            state.budget > 0 and (state.joined > 0 or len(state.waiting) > 2 or state.clock > 10**9)
        ),
        False,
    ),
}
VICTIMS = {
    "joined last": lambda request, state: state.running[-1],
    "joined first": lambda request, state: state.running[0],
    "whoever asks": lambda request, state: request,
    "most to go": lambda request, state: max(state.running, key=lambda it: it.last - it.computed),
    "most computed": lambda request, state: max(state.running, key=lambda it: it.computed),
    "one in the middle": lambda request, state: state.running[len(state.running) // 2],
    "somebody else": lambda request, state: [
        *[it for it in state.running[:-1] if it is not request],
        state.running[-1],
    ][0],
}


@st.composite
def drawn_policies(draw, caches=(PagedCache, ReservedCache, BatchCache)):
    rules = [draw(st.sampled_from(sorted(names))) for names in (ORDERS, ADMISSIONS, VICTIMS)]
    (order, keeps_rank), (admit, keeps_no) = ORDERS[rules[0]], ADMISSIONS[rules[1]]
    steady = keeps_rank and keeps_no and draw(st.booleans())
    cache = draw(st.sampled_from(caches))
    return Policy(", ".join(rules), "", cache, order, admit, VICTIMS[rules[2]], steady=steady)


def outcome_or_refusal(run, *args):
    try:
        return run(*args)
    except ScenarioError as error:
        return str(error)


@pytest.mark.slow
@settings(max_examples=200)
@given(workloads(), servings(), drawn_policies(), st.integers(0, 40))
def test_both_engines_agree_under_any_policy(workload, serving, policy, extra):
    args = (workload, serving, least_blocks(policy, serving) + extra, policy, cost(MODELS[0]))
    refused = outcome_or_refusal(lambda: list(StepEngine(*args).steps()))
    if isinstance(refused, str):
        assert outcome_or_refusal(Engine(*args).run) == refused
    else:
        agree(*args[:4])


@pytest.mark.slow
@settings(max_examples=120)
@given(workloads(), servings(), drawn_policies((PagedCache,)), st.integers(0, 4))
def test_blocks_are_the_same_under_any_policy(workload, serving, policy, extra):
    args = (workload, serving, least_blocks(policy, serving) + extra, policy)
    plain = StepEngine(*args, cost(MODELS[0]))
    assert isinstance(plain.cache, PagedCache)
    try:
        for _ in plain.steps():
            plain.cache.pool.check(request.table for request in plain.running)
    except ScenarioError:
        return
    same_blocks(*args)


def crowd(requests=40, seed=5):
    """Return requests that come faster than a small pool can serve them."""
    random = np.random.default_rng(seed)
    prompt, output = random.integers(10, 90, (2, requests))
    return Workload("crowd", np.arange(requests) * 2, prompt, output, in_steps=True)


CROWDED = Serving(
    max_num_seqs=16, max_num_batched_tokens=64, max_model_len=600, prefix_caching=True
)


@pytest.mark.parametrize("admission", ADMISSIONS)
def test_both_engines_agree_when_all_is_crowded(admission):
    """Every order over every admission, where most of the time somebody waits for room."""
    admit, keeps_no = ADMISSIONS[admission]
    for name, (order, keeps_rank) in ORDERS.items():
        for steady in {False, keeps_rank and keeps_no}:
            policy = Policy(
                name, "", PagedCache, order, admit, VICTIMS["most to go"], steady=steady
            )
            for caching in (False, True):
                agree(crowd(), CROWDED.replaced(prefix_caching=caching), 40, policy)


@pytest.mark.parametrize("admission", ["with a budget", "whole batches"])
@pytest.mark.parametrize("victim", VICTIMS)
def test_every_victim_is_the_one_that_the_rule_names(victim, admission):
    """Whole batches crowd the pool with prompts, so that one of them gives room to the next."""

    def preempted(name):
        rules = ORDERS["first come"][0], ADMISSIONS[admission][0], VICTIMS[name]
        policy = Policy("victims", "", PagedCache, *rules, steady=True)
        steps = agree(crowd(), CROWDED, 40, policy)
        return policy, [index for step in steps for index in step.preempted]

    policy, found = preempted(victim)
    same_blocks(crowd(), CROWDED, 40, policy)
    assert found
    if victim != "joined last":
        assert found != preempted("joined last")[1]


def test_short_requests_overtake_long_ones(added):
    """Mean latency is what shortest job first is for; first come, first served keeps the order."""
    means = {}
    for name in ("shortest", "vllm"):
        serving = CROWDED.replaced(policy=name, num_blocks=40)
        means[name] = simulate(Scenario(), serving, crowd()).requests()["latency_s"].mean()
    assert means["shortest"] < 0.8 * means["vllm"]


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """Let one more file lie beside the policies; it is found as they are."""
    folder = tmp_path_factory.mktemp("policies")
    (folder / "shortest.py").write_text(SHORTEST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "__path__", [*room.__path__, str(folder)])
        policies.cache_clear()
        yield folder
    policies.cache_clear()
    sys.modules.pop(f"{room.__name__}.shortest")


@pytest.mark.slow
@settings(max_examples=60)
@given(workload=workloads(), serving=servings(), extra=st.integers(0, 20))
def test_both_engines_agree_under_a_policy_from_a_file(added, workload, serving, extra):
    policy = find_policy("shortest")
    blocks = least_blocks(policy, serving) + extra
    agree(workload, serving, blocks, policy)
    same_blocks(workload, serving, blocks, policy)


def test_what_a_step_would_have_computed_is_not_found_after_a_preemption():
    """A victim that had got its tokens of this step already gives them back, unknown."""
    workload = Workload("two", np.zeros(2, int), np.array([40, 40]), np.array([9, 9]))
    cache = PagedCache(Serving(block_size=4, prefix_caching=True), 30, workload)
    victim = Request(0, 40, 40, 49)
    assert cache.admit(victim, [], 18)
    victim.computed = 18
    assert cache.grow(victim, 10)
    assert victim.registered == 7
    freed = cache.release(victim)
    victim.computed = 0
    assert (len(freed.known), len(freed.plain)) == (4, 3)
    assert len(cache.hits(victim)) == 4


ASKED = """
import json
from fastapi.testclient import TestClient
from typer.testing import CliRunner
from kvviz.api.app import create_app
from kvviz.cli import app
from kvviz.pages.serving.about import about
from kvviz.pages.serving.controls import controls
from kvviz.pages.serving.page import PAGE

def run(*words):
    return CliRunner().invoke(app, words, env={"COLUMNS": "200"}).output

def options(shown):
    found = [shown.options] if getattr(shown, "label", "") in ("Policy A", "Policy B") else []
    return found + [each for child in getattr(shown, "objects", ()) for each in options(child)]

client, asked = TestClient(create_app()), {"policy": "shortest", "requests": 20}
session = PAGE.visit([("policy", "shortest"), ("against", "shortest"), ("requests", "20")])
print(json.dumps({
    "help": run("simulate", "--help"),
    "sweep help": run("sweep", "--help"),
    "command": json.loads(run("simulate", "--policy", "shortest", "--requests", "20", "--json")),
    "schema": client.get("/openapi.json").json()["components"]["schemas"]["SimulateSettings"],
    "endpoint": client.post("/simulate", json=asked).json(),
    "choices": options(controls(session)),
    "about": about(session),
    "page": [session.problem, session.runs.a.summary["steps"], session.runs.b.summary["steps"]],
}))
"""


@pytest.mark.slow
def test_a_policy_from_a_file_is_in_the_command_the_api_and_the_page(clone):
    (clone.folder / "kvviz/sim/policies/shortest.py").write_text(SHORTEST)
    told = json.loads(clone.run("-c", ASKED))
    names = ["orca", "shortest", "static", "vllm"]
    assert f"--policy {'|'.join(names)}" in told["help"]
    assert f"--policy {'|'.join(names)}" in told["sweep help"]
    assert told["schema"]["properties"]["policy"]["enum"] == names
    assert [[name for name, _ in each] for each in told["choices"]] == [names, names]
    assert "A: Shortest first, 16 tokens per block" in [text for _, text in told["choices"][0]]
    assert (
        "Shortest first: vLLM’s scheduler, with short requests before long ones." in told["about"]
    )
    assert told["command"]["finish_sha"] == told["endpoint"]["finish_sha"]
    assert told["page"][0] == ""
    assert told["page"][1] == told["page"][2] > 0


@pytest.mark.parametrize("in_steps", [True, False])
def test_an_idle_engine_waits_for_those_that_a_policy_wants_together(in_steps):
    rules = ORDERS["first come"][0], ADMISSIONS["three at once"][0], VICTIMS["joined last"]
    lengths = np.array([20, 20, 20])
    workload = Workload("three", np.array([0, 5, 9]), lengths, lengths, in_steps=in_steps)
    steps = agree(workload, CROWDED, 40, Policy("three", "", PagedCache, *rules))
    started = [step for step in steps if step.scheduled]
    assert list(started[0].scheduled) == [0, 1, 2]


def test_a_policy_that_always_refuses_is_a_sentence():
    never = Policy("Never", "", PagedCache, lambda *_: 0, lambda *_: False, lambda *_: None)
    args = (crowd(3), CROWDED, 40, never, cost(MODELS[0]))
    for run in (Engine(*args).run, lambda: list(StepEngine(*args).steps())):
        with pytest.raises(ScenarioError, match="policy Never leaves 3 of the requests waiting"):
            run()
