"""The fast engine does what the plain one does, to the token, the block, the step and the ns."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.catalog.measured.efficiency import Efficiency
from kvviz.cost.steps import StepCost
from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import Serving
from kvviz.sim.engine.run import Engine
from kvviz.sim.engine.step import StepEngine
from kvviz.sim.policies import find_policy, policies
from kvviz.sim.workload.workload import Workload

MODELS = ("meta-llama/Llama-3.1-8B", "openai/gpt-oss-20b", "Qwen/Qwen3-Next-80B-A3B-Instruct")


@cache
def cost(model):
    return StepCost(Scenario(model=model), Efficiency(overhead_s=0.001))


@st.composite
def workloads(draw, longest=160):
    requests = draw(st.integers(1, 12))
    lengths = st.lists(st.integers(1, longest // 2), min_size=requests, max_size=requests)
    prompt, output = np.array(draw(lengths)), np.array(draw(lengths))
    in_steps = draw(st.booleans())
    gaps = st.integers(0, 40 if in_steps else 200_000_000)
    arrival = np.cumsum(draw(st.lists(gaps, min_size=requests, max_size=requests)))
    # Few ids and long common beginnings: contents meet in every way.
    seed, common = draw(st.integers(0, 99)), draw(st.integers(0, longest))
    contents = None
    if draw(st.booleans()):
        texts = np.random.default_rng(seed).integers(7, 9, (requests, longest))
        texts[:, :common] = texts[0, :common]
        contents = lambda index: texts[index, : prompt[index]]  # noqa: E731
    sampled = draw(st.sampled_from([None, 7]))
    return Workload("random", arrival, prompt, output, contents, sampled, in_steps)


@st.composite
def servings(draw):
    seqs = draw(st.integers(1, 8))
    return Serving(
        block_size=draw(st.sampled_from([1, 2, 4, 16])),
        max_num_seqs=seqs,
        max_num_batched_tokens=draw(st.integers(seqs, 96)),
        max_model_len=draw(st.integers(81, 200)),
        prefix_caching=draw(st.booleans()),
        reservation=draw(st.sampled_from(["exact", "pow2", "max"])),
        allocator=draw(st.sampled_from(["first-fit", "best-fit", "buddy"])),
    )


def least_blocks(policy, serving, longest=160):
    """Return the blocks of a pool in which every request fits alone, the null block included."""
    return 1 + (-(-longest // serving.block_size) if policy.cache.on_demand else 256)


def agree(workload, serving, blocks, policy, model=MODELS[0]):
    """Run both engines, and return the plain one's steps."""
    args = (workload, serving, blocks, policy, cost(model))
    plain, fast = StepEngine(*args), Engine(*args)
    steps = list(plain.steps())
    fast.run()
    assert vars(fast.ledger) == vars(plain.ledger)
    assert (fast.steps, fast.clock) == (len(steps), plain.clock)
    assert fast.preemptions == sum(len(step.preempted) for step in steps)
    assert fast.scheduled_tokens == sum(sum(step.scheduled.values()) for step in steps)
    assert fast.sequence_steps == sum(len(step.scheduled) for step in steps)
    assert fast.batch.tokens == 0
    return steps


@pytest.mark.slow
@pytest.mark.parametrize("policy", policies())
@settings(max_examples=150)
@given(workload=workloads(), serving=servings(), model=st.sampled_from(MODELS), data=st.data())
def test_both_engines_agree(policy, workload, serving, model, data):
    blocks = least_blocks(policies()[policy], serving) + data.draw(st.integers(0, 40))
    agree(workload, serving, blocks, policies()[policy], model)


def test_text_that_others_write_lets_the_queue_move():
    """One block short, a request gets in when another's output has become its own prefix."""
    prompts = [np.full(4, 1), np.append(np.full(4, 1), np.full(40, 7))]
    arrival, output = np.array([0, 2]), np.array([30, 1])
    lengths = np.array([len(prompt) for prompt in prompts])
    text = Workload("text", arrival, lengths, output, prompts.__getitem__, 7, in_steps=True)
    limits = {"max_num_seqs": 4, "max_num_batched_tokens": 2048, "prefix_caching": True}
    steps = agree(text, Serving(block_size=4, **limits), 12, find_policy("vllm"))
    joins = next(number for number, step in enumerate(steps) if 1 in step.scheduled)
    assert steps[joins].computed[1] > 4
    assert not any(step.preempted or step.finished for step in steps[:joins])
