"""The pool's picture: its grid, its palette, and the run's areas under it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.scene.serving.gantt import round_step
from kvviz.scene.serving.histogram import (
    BINS,
    MOST_NAMED,
    log_edges,
    mirrored,
    named_seconds,
    spelled,
)
from kvviz.scene.serving.overview import LAYERS, stacked
from kvviz.scene.serving.pool import (
    HEIGHT,
    SMALLEST_CELL,
    WIDTH,
    PoolCell,
    pool_grid,
    pool_palette,
)
from kvviz.scene.theme import DARK, LIGHT
from kvviz.timeline import Changes, State, Timeline, held_by_group, merged


@given(st.integers(1, 300_000), st.none() | st.integers(1, 5000))
def test_every_block_has_a_cell_that_can_be_seen(blocks: int, slot: int | None):
    grid = pool_grid(blocks, slot)
    assert grid.columns * grid.rows * grid.blocks_per_cell >= blocks
    assert (grid.columns * (grid.rows - 1)) * grid.blocks_per_cell < blocks
    assert WIDTH / grid.columns >= SMALLEST_CELL / 2
    assert HEIGHT / grid.rows >= SMALLEST_CELL / 2


def test_a_slot_fills_whole_rows():
    assert (pool_grid(1500, 300).columns, pool_grid(1500, 300).rows) == (60, 25)
    assert pool_grid(33_000).blocks_per_cell > 1


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_the_palette_has_a_colour_for_each_code(theme):
    palette = pool_palette(theme)
    assert len(palette) == PoolCell.CARD + 1
    assert palette[PoolCell.HELD : PoolCell.CACHED] == list(theme.sequences)
    assert palette[PoolCell.FOLLOWED] == theme.text1


@given(st.floats(1e-6, 1e6))
def test_named_times_are_round_and_neither_many_nor_few(least: float):
    step = round_step(least)
    assert least * 0.999 <= step <= least * 2.501
    assert f"{step:.0e}"[0] in "125"


@st.composite
def changes(draw):
    """Return random changes of eight pages, sorted by time."""
    row = st.tuples(
        st.integers(0, 9),
        st.integers(1, 7),
        st.integers(0, 20),
        st.sampled_from([State.FREE, State.RESERVED, State.USED, State.CACHED, State.SHARED]),
    )
    rows = sorted(draw(st.lists(row, max_size=40)), key=lambda r: r[0])
    when, page, owner, state = (np.array([r[i] for r in rows], dtype=np.int64) for i in range(4))
    one = np.ones(len(rows), dtype=np.uint32)
    return Changes(
        when.astype(np.uint32), page.astype(np.uint32), one, owner.astype(np.int32),
        state.astype(np.uint8),
    )  # fmt: skip


@given(changes())
def test_joined_neighbours_change_nothing(given_changes: Changes):
    plain = Timeline("us", 1, 8, given_changes, {})
    joined = Timeline("us", 1, 8, merged(given_changes), {})
    assert len(joined.changes.when) <= len(given_changes.when)
    assert joined.changes.pages.sum() == given_changes.pages.sum()
    for when in range(11):
        for one, other in zip(plain.at(when), joined.at(when), strict=True):
            assert (one == other).all()


@given(changes())
def test_pages_by_owner_are_those_of_every_moment(given_changes: Changes):
    timeline = Timeline("us", 1, 8, given_changes, {})
    when = np.arange(0, 10, 1.0)
    held = held_by_group(timeline, when, 8)
    for moment in range(10):
        owner, state = timeline.at(moment)
        used = np.isin(state, (State.USED, State.SHARED))
        assert held[:, moment].tolist() == np.bincount(owner[used] % 8, minlength=8).tolist()


@given(changes())
def test_the_areas_add_up_to_what_is_not_free(given_changes: Changes):
    timeline = Timeline("us", 1, 8, given_changes, {})
    when = np.arange(0, 10, 1.0)
    states = np.array([timeline.at(moment).state[1:] for moment in range(10)])
    cached = (states == State.CACHED).sum(axis=1)
    free = (states == State.FREE).sum(axis=1)
    tops = stacked(timeline, when, free, cached)
    assert tops.shape == (len(LAYERS), 10)
    assert tops[-1] == pytest.approx(1 - free / 7)


PLOT = mirrored("ttft_s", DARK)


@settings(max_examples=20)
@given(st.lists(st.floats(1e-4, 1e4), max_size=50), st.lists(st.floats(1e-4, 1e4), max_size=50))
def test_a_histogram_counts_every_request_once(above: list[float], below: list[float]):
    PLOT.show(np.array([*above, np.nan]), np.array(below, dtype=float))
    assert PLOT.bars.data["up"].sum() == len(above)
    assert -PLOT.bars.data["down"].sum() == len(below)
    assert len(log_edges(np.array(above + below))) == BINS + 1


@given(st.floats(1e-5, 1e3), st.floats(1.05, 1e6))
def test_times_are_named_few_round_and_apart(low: float, ratio: float):
    named = named_seconds(low, low * ratio)
    assert 1 <= len(named) <= MOST_NAMED
    assert all(low <= value <= low * ratio for value in named)
    assert len({spelled(value) for value in named}) == len(named)
    shares = np.log(np.array(named) / low) / np.log(ratio)
    assert (np.diff(shares) > 0.19).all()


def test_times_are_named_as_one_says_them():
    assert [spelled(value) for value in named_seconds(0.02, 40)] == ["100 ms", "1 s", "10 s"]
    assert [spelled(value) for value in named_seconds(0.0345, 0.0365)] == ["35 ms", "36 ms"]
    assert [spelled(value) for value in named_seconds(0.0055, 0.018)] == ["6 ms", "8 ms", "15 ms"]
