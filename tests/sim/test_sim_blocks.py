"""The block pool: its order of handing out, and its invariants whatever is asked of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kvviz.sim.cache.blocks import BlockPool, FreedQueue


def test_blocks_are_handed_out_in_order_and_never_the_null_block():
    pool = BlockPool(5)
    assert pool.pop(4) == [1, 2, 3, 4]
    with pytest.raises(IndexError, match="no block is free"):
        pool.pop(1)


def test_a_request_s_last_block_is_the_next_to_be_taken():
    pool = BlockPool(6)
    pool.release(pool.pop(3))
    assert pool.pop(5) == [3, 2, 1, 4, 5]


def test_content_is_kept_as_long_as_there_are_others_and_a_prefix_longest():
    pool = BlockPool(6)
    table = pool.pop(3)
    pool.register(table[:2], "ab")
    freed = pool.release(table)
    assert (freed.plain, freed.known) == ([3], [2, 1])
    assert pool.hits("abc") == [1, 2]
    assert pool.pop(4) == [3, 4, 5, 2]
    assert pool.hits("ab") == [1]


def test_a_lookup_takes_the_block_registered_first_that_is_still_there():
    pool = BlockPool(4)
    first, second = pool.pop(1), pool.pop(1)
    pool.register(first, "a")
    pool.register(second, "a")
    assert pool.hits("a") == [1]
    pool.release(first)
    assert pool.pop(2) == [3, 1]
    assert pool.hits("a") == [2]


class AnyUse(RuleBasedStateMachine):
    """Requests take, share, fill and release blocks in any order."""

    def __init__(self):
        super().__init__()
        self.pool, self.tables = BlockPool(12), []

    @rule(count=st.integers(0, 6))
    def take(self, count):
        if count <= self.pool.free:
            self.tables.append(self.pool.pop(count))

    @rule(keys=st.lists(st.sampled_from("abcd"), max_size=4))
    def share(self, keys):
        hits = list(dict.fromkeys(self.pool.hits(keys)))
        free, unused = self.pool.free, self.pool.unused(hits)
        self.pool.touch(hits)
        self.tables.append(hits)
        assert self.pool.free == free - unused

    @precondition(lambda self: any(self.tables))
    @rule(data=st.data(), key=st.sampled_from("abcd"))
    def fill(self, data, key):
        block = data.draw(st.sampled_from(data.draw(st.sampled_from([*filter(None, self.tables)]))))
        if self.pool.key_of[block] is None:
            self.pool.register([block], [key])

    @precondition(lambda self: any(self.pool.key_of))
    @rule(data=st.data())
    def forget(self, data):
        held = sorted({block for table in self.tables for block in table})
        known = [block for block in held if self.pool.key_of[block]]
        chosen = data.draw(st.lists(st.sampled_from(known), unique=True)) if known else []
        self.pool.forget(chosen)
        assert not any(self.pool.key_of[block] for block in chosen)

    @precondition(lambda self: self.tables)
    @rule(data=st.data())
    def release(self, data):
        table = self.tables.pop(data.draw(st.integers(0, len(self.tables) - 1)))
        freed = self.pool.release(table)
        assert {*freed.plain, *freed.known} <= {*table}

    @invariant()
    def holds(self):
        self.pool.check(self.tables)


AnyUse.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestAnyUse = AnyUse.TestCase


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda pool: pool.references.__setitem__(1, 7), "references of block 1"),
        (lambda pool: pool._stack.append(0), "the null block is free"),
        (lambda pool: pool._stack.append(1), "a held block is free"),
        (lambda pool: pool._stack.pop(), "neither held nor free"),
        (lambda pool: pool.key_of.__setitem__(2, "b"), "cannot be found|KeyError|b"),
    ],
)
def test_a_spoiled_pool_is_found_out(spoil, said):
    pool = BlockPool(6)
    table = pool.pop(2)
    pool.register(table[:1], "a")
    pool.check([table])
    spoil(pool)
    with pytest.raises((AssertionError, KeyError), match=said):
        pool.check([table])


@given(st.lists(st.tuples(st.sampled_from(["free", "touch", "take"]), st.integers(0, 9))))
def test_freed_blocks_are_queued_as_in_a_plain_list(steps):
    queue, wanted = FreedQueue(), []
    for what, number in steps:
        if what == "free" and number not in wanted:
            queue.extend([number])
            wanted.append(number)
        elif what == "touch" and number in wanted:
            queue.remove(number)
            wanted.remove(number)
        elif what == "take":
            count = min(number, len(wanted))
            assert queue.take(count) == wanted[:count]
            del wanted[:count]
        assert ([*queue], len(queue)) == (wanted, len(wanted))
        assert len(queue._places) <= 2 * len(wanted) + 1
