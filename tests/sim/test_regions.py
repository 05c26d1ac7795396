"""Allocators of contiguous regions, against a plain map of who has which unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.sim.cache.regions import ALLOCATORS

ACTIONS = st.lists(st.tuples(st.booleans(), st.integers(1, 20)), max_size=60)


@pytest.mark.parametrize("name", ALLOCATORS)
@given(size=st.integers(1, 100), actions=ACTIONS)
def test_regions_never_overlap_and_all_comes_back(name, size, actions):
    space, held, units = ALLOCATORS[name](size), [], set()
    for takes, number in actions:
        if takes:
            largest, start = space.largest, space.take(number)
            assert (start is None) == (number > largest)
            if start is not None:
                region = set(range(start, start + number))
                assert not region & units
                assert max(region) < size
                units |= region
                held.append((start, number))
        elif held:
            start, number = held.pop(number % len(held))
            space.release(start, number)
            units -= set(range(start, start + number))
        space.check()
        assert len(units) + space.free <= size
        assert name == "buddy" or len(units) + space.free == size
    for region in held:
        space.release(*region)
    assert space.free == size
    assert space.largest == (1 << size.bit_length() - 1 if name == "buddy" else size)


def holes(name):
    """Return a space of 16 with holes of 4 at 0 and of 2 at 6, and 4 more at its end."""
    space = ALLOCATORS[name](16)
    taken = {start: space.take(size) for start, size in ((0, 4), (4, 2), (6, 2), (8, 4))}
    space.release(taken[0], 4)
    space.release(taken[6], 2)
    return space


def test_first_fit_takes_the_first_hole_and_best_fit_the_tightest():
    assert holes("first-fit").take(2) == 0
    assert holes("best-fit").take(2) == 6


def test_free_room_in_pieces_fits_nothing_large():
    space = holes("first-fit")
    assert (space.free, space.largest) == (10, 4)
    assert space.take(5) is None


def test_buddies_round_up_and_join_again():
    space = ALLOCATORS["buddy"](16)
    assert [space.take(size) for size in (3, 3, 5)] == [0, 4, 8]
    assert space.free == 0
    space.release(0, 3)
    space.release(4, 3)
    assert space.largest == 8
