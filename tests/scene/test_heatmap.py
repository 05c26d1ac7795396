"""The heat map's tones: in order, readable, and the same whichever end is best."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.scene.explore.heatmap import TONES, Scale, contrast, ink, palette
from kvviz.scene.theme import INKS, RAMP

VALUES = st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=30)


@given(VALUES, st.booleans())
def test_tones_follow_the_values_from_worst_to_best(values, low_is_best):
    shown = np.array(values)
    tones = Scale.over(shown, low_is_best).tones(shown)
    assert tones.min() >= 0
    assert tones.max() == TONES - 1
    order = np.argsort(-shown if low_is_best else shown)
    assert (np.diff(tones[order]) >= 0).all()


def test_a_factor_is_the_same_step_everywhere():
    tones = Scale(1, 10**6).tones(10.0 ** np.arange(7))
    assert set(np.diff(tones).tolist()) <= {10, 11}


def test_values_without_end_are_left_out_of_the_scale():
    scale = Scale.over(np.array([np.nan, np.inf, 0.0, 2.0, 8.0]), low_is_best=False)
    assert (scale.worst, scale.best) == (2.0, 8.0)
    assert Scale.over(np.array([]), low_is_best=True) == Scale(1.0, 1.0)


def test_what_is_beyond_the_scale_takes_its_end():
    assert Scale(1, 4).tones(np.array([0.5, 100.0])).tolist() == [0, TONES - 1]


def test_every_tone_carries_readable_text():
    colours = palette()
    assert colours[0][0] == RAMP[0][1]
    assert colours[-1][0] == RAMP[-1][1]
    assert {text for _, text in colours} == set(INKS)
    assert all(contrast(colour, text) >= 4.5 for colour, text in colours)
    assert all(contrast(c, t) == max(contrast(c, other) for other in INKS) for c, t in colours)


@pytest.mark.parametrize(("colour", "text", "ratio"), [("#000000", "#FFFFFF", 21.0)])
def test_contrast_is_that_of_the_guidelines(colour, text, ratio):
    assert contrast(colour, text) == pytest.approx(ratio)
    assert ink(colour) == text
