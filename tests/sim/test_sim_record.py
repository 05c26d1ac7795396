"""The recorded blocks and moves, against the plain engine's block tables at every step."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import Serving
from kvviz.sim.engine.record import Move
from kvviz.sim.engine.run import Engine
from kvviz.sim.engine.step import StepEngine
from kvviz.sim.policies import policies
from kvviz.sim.simulate import simulate
from kvviz.sim.workload.workload import Workload
from kvviz.timeline import NOBODY, State
from tests.sim.test_sim_run import MODELS, cost, least_blocks, servings, workloads


def replay(changes, until, blocks):
    """Return owner and state of every block when all changes before `until` are made."""
    owner, state = np.full(blocks, NOBODY), np.zeros(blocks, dtype=int)
    for block, new_owner, new_state in zip(*(c[:until] for c in changes[1:]), strict=True):
        owner[block], state[block] = new_owner, new_state
    return owner, state


@pytest.mark.slow
@pytest.mark.parametrize("policy", policies())
@settings(max_examples=60)
@given(workload=workloads(), serving=servings(), data=st.data())
def test_every_block_is_whose_the_tables_say(policy, workload, serving, data):
    blocks = least_blocks(policies()[policy], serving) + data.draw(st.integers(0, 40))
    same_blocks(workload, serving, blocks, policies()[policy])


def same_blocks(workload, serving, blocks, policy):
    """Expect of the fast engine's record the block tables of the plain one, at every step."""
    args = (workload, serving, blocks, policy, cost(MODELS[0]))
    fast, plain = Engine(*args, record=True), StepEngine(*args)
    fast.run()
    changes = fast.record.blocks()
    assert np.all(np.diff(changes.ns) >= 0)
    for step in plain.steps():
        if not step.scheduled:
            continue
        # All that happens at the start of this step, and nothing of its end.
        until = np.searchsorted(changes.ns, step.start_ns, side="right")
        owner, state = replay(changes, until, blocks)
        held = {}
        for index, table in step.blocks.items():
            for block in table:
                held.setdefault(block, []).append(index)
        for block, holders in held.items():
            assert owner[block] in holders or state[block] == State.SHARED
            if len(holders) > 1:
                assert state[block] == State.SHARED
        if policy.cache.on_demand:
            free = np.isin(state[1:], (State.FREE, State.CACHED)).sum()
            assert free == blocks - 1 - len({*held, *_unscheduled(plain, step)})
        else:
            used = sum(
                -(-(step.computed[index] + new) // serving.block_size)
                for index, new in step.scheduled.items()
            )
            assert (state == State.USED).sum() >= used
    return plain


def _unscheduled(engine, step):
    """Return the blocks of running requests that this step did not reach, as of its end."""
    return {
        block
        for request in engine.running
        if request.index not in step.scheduled
        for block in request.table
    }


def test_each_request_joins_decodes_and_ends():
    workload = Workload("two", np.array([0, 5]), np.array([40, 20]), np.array([9, 1]))
    outcome = simulate(Scenario(), Serving(num_blocks=20), workload, record=True)
    moves = outcome.recorded.moves
    rows = outcome.requests()
    of_first = moves.request == 0
    assert moves.move[of_first].tolist() == [Move.JOINS, Move.DECODES, Move.ENDS]
    assert moves.ns[of_first][1] == rows["first_token_s"][0] * 1e9
    assert moves.ns[of_first][2] == rows["end_s"][0] * 1e9
    assert moves.move[~of_first].tolist() == [Move.JOINS, Move.ENDS]  # one token: nothing to decode


def test_shared_blocks_are_marked_until_one_request_is_left():
    text = np.arange(64)
    arrival = np.array([0, 10_000_000, 20_000_000])
    prompt, output = np.array([64, 64, 64]), np.array([4, 8, 20])
    workload = Workload("same", arrival, prompt, output, lambda index: text)
    outcome = simulate(Scenario(), Serving(num_blocks=20, max_num_seqs=4), workload, record=True)
    line = outcome.timeline()
    shared = [int((line.at(when).state == State.SHARED).sum()) for when in line.changes.when]
    assert max(shared) == 3  # of four full blocks the last is always computed again
    last = line.at(line.changes.when[-1])
    assert not np.isin(last.state, (State.USED, State.SHARED)).any()
    assert any(before > after for before, after in pairwise(shared))
