"""Block tables: every token has its place, sharing adds up, and only who writes copies."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kvviz.memory.tables import Row, block_table, free_list, share


@given(st.integers(1, 5000))
def test_the_free_list_is_a_permutation_and_the_same_every_time(num_blocks):
    order = free_list(num_blocks)
    assert sorted(order) == list(range(num_blocks))
    assert free_list(num_blocks) == order


def test_the_free_list_is_in_short_runs():
    order = free_list(1024)
    steps = [b - a for a, b in pairwise(order)]
    assert 0.5 < steps.count(1) / len(steps) < 0.9


def test_a_table_by_hand():
    assert block_table(2, 40, 16, iter([7, 3, 9, 1])) == [
        Row(2, 0, 7, 16),
        Row(2, 1, 3, 16),
        Row(2, 2, 9, 8),
    ]


def test_the_worked_example_shares_eight_blocks():
    found = share(free_list(1024), [128, 96, 80], prompt=64, block_size=16)
    assert (len(found.rows), len(found.references), found.shared_blocks) == (19, 11, 8)
    assert sorted(found.references.values()) == [1] * 7 + [3] * 4
    assert found.copies == []


def test_a_prompt_that_ends_inside_a_block_is_copied_by_who_writes_there():
    found = share(list(range(100)), [128, 96, 80], prompt=72, block_size=16)
    assert [(copy.sequence, copy.source) for copy in found.copies] == [(1, 4), (2, 4)]
    assert found.shared_blocks == 8


@st.composite
def joining(draw):
    block_size, first = draw(st.integers(1, 32)), draw(st.integers(1, 300))
    prompt = draw(st.integers(0, first))
    more = draw(st.lists(st.integers(1, 200), max_size=3))
    needed = -(-first // block_size)
    pool = draw(st.integers(needed, needed + 60))
    return pool, [first, *(prompt + own for own in more)], prompt, block_size


@given(joining())
def test_every_token_has_one_place_and_only_the_prompt_is_shared(case):
    pool, lengths, prompt, block_size = case
    found = share(free_list(pool), lengths, prompt, block_size)
    used = len(found.references)
    assert used <= pool
    for sequence, table in enumerate(found.tables):
        assert {row.sequence for row in table} == {sequence}
        assert [row.logical for row in table] == list(range(len(table)))
        assert sum(row.tokens for row in table) == lengths[sequence]
    for row in found.rows:
        is_shared = row.logical < prompt // block_size and len(found.tables) > 1
        assert found.references[row.physical] == (len(found.tables) if is_shared else 1)
    assert sum(found.references.values()) == len(found.rows)


@given(joining())
def test_who_finds_no_room_waits_and_so_does_everyone_after(case):
    pool, lengths, prompt, block_size = case
    found = share(free_list(pool), lengths, prompt, block_size)
    waiting = len(lengths) - len(found.tables)
    assert (found.missing > 0) == (waiting > 0)
    if waiting:
        used, full = len(found.references), prompt // block_size
        needed = -(-lengths[len(found.tables)] // block_size) - full
        assert found.missing == needed - (pool - used)
