"""The figures of the kernels: names that can be read, ticks that are few, a level where it ends."""

import math
from itertools import pairwise

import pytest
from bokeh.models import FixedTicker

from kvviz.kernels.measuring.table import duration
from kvviz.scene.kernels.lines import HEIGHT, LINE, MOST_STEPS, lines
from kvviz.scene.theme import LIGHT


@pytest.mark.parametrize("last", [(1.0, 1.01, 1.02), (5.0, 1.0, 1.1), (0.001, 0.0011, 9.0)])
@pytest.mark.parametrize("log", [False, True])
def test_names_at_the_ends_neither_overlap_nor_leave_the_figure(last, log):
    drawn = lines(LIGHT, "it", log)
    drawn.show(
        {name: ((1, 2, 4), (y / 4, y / 2, y)) for name, y in zip("abc", last, strict=True)}, str
    )
    scale = math.log if log else float
    low, high = (scale(edge) for edge in (drawn.figure.y_range.start, drawn.figure.y_range.end))
    ends = drawn.ends.data
    middles = sorted(
        HEIGHT * (high - scale(y)) / (high - low) + (above + below) / 2
        for y, above, below in zip(ends["y"], ends["above"], ends["below"], strict=True)
    )
    assert middles[-1] <= HEIGHT - LINE / 2 + 1
    assert all(b - a >= LINE - 1 for a, b in pairwise(middles))
    assert ends["text"] == [str(y) for y in last]


@pytest.mark.parametrize(("low", "high"), [(3e-5, 2e-4), (1e-3, 900.0), (10.0, 500.0)])
def test_a_logarithmic_axis_has_few_ticks_within_it(low, high):
    drawn = lines(LIGHT, "it", log=True)
    drawn.show({"a": ((256, 512), (low, high))}, duration)
    ticker = drawn.figure.yaxis[0].ticker
    assert isinstance(ticker, FixedTicker)
    seen = [tick for tick in ticker.ticks if low / 1.6 <= tick <= high * 1.6]
    assert 1 <= len(seen) <= max(MOST_STEPS, math.log10(high / low) + 2)


def test_a_level_reaches_from_the_first_point_to_the_last():
    drawn = lines(LIGHT, "it", log=False)
    drawn.level(3.0)
    assert not drawn.floor.data["y"]
    drawn.show({"a": ((0, 1, 2), (4, 5, 6)), "b": ((0, 1), (4, 4))}, str)
    drawn.level(3.0)
    assert drawn.floor.data == {"from": [0], "to": [2], "y": [3.0]}


def test_without_a_curve_there_is_no_scale():
    drawn = lines(LIGHT, "it", log=False)
    parts = (*drawn.figure.axis, *drawn.figure.grid)
    for curves in ({}, {"flash": ([0, 1], [1.0, 2.0])}, {}):
        drawn.show(curves, str)
        assert {part.visible for part in parts} == {bool(curves)}
