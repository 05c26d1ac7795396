"""Caches in fewer bits: each code is the nearest, and errors stay within half a step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.kernels import quantize
from kvviz.kernels.numpy.quantize import E4M3, SCHEMES, e4m3_codes


def cache(seed=0, size=1.0, shape=(3, 5, 2, 8)):
    return (size * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def test_e4m3_has_the_numbers_of_its_paper():
    assert E4M3[0b0_1111_110] == 448
    assert E4M3[0b0_0001_000] == 2**-6
    assert E4M3[0b0_0000_001] == 2**-9
    assert E4M3[0b1_0111_000] == -1
    assert np.isnan(E4M3[[127, 255]]).all()
    assert (np.diff(E4M3[:127]) > 0).all()


@given(st.floats(-600, 600, width=32))
def test_a_code_is_the_nearest_number(number):
    nearest = float(E4M3[e4m3_codes(np.array([number], np.float32))][0])
    finite = E4M3[np.isfinite(E4M3)].astype(float)
    assert abs(nearest - number) == np.abs(finite - number).min()


def test_codes_agree_with_torch():
    torch = pytest.importorskip("torch")
    numbers = np.concatenate([cache(size=size).ravel() for size in (1e-3, 0.1, 1, 100)])
    numbers = np.concatenate([numbers, E4M3[:126] / 2 + E4M3[1:127] / 2])  # and every tie
    theirs = torch.from_numpy(numbers).clamp(-448, 448).to(torch.float8_e4m3fn)
    np.testing.assert_array_equal(e4m3_codes(numbers), theirs.view(torch.uint8).numpy())


@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
@settings(max_examples=50)
def test_integers_are_off_by_half_a_step_at_most(seed, size):
    numbers = cache(seed, size)
    for scheme in ("int8", "int8_token_head", "int4"):
        codes = quantize(numbers, scheme)
        off = np.abs(codes.dequantize() - numbers)
        assert (off <= codes.scale * 0.5001 + 1e-6 * np.abs(numbers).max()).all()


@pytest.mark.parametrize(
    ("scheme", "bits"), [("fp8", 8), ("int8", 8), ("int8_token_head", 8), ("int4", 4)]
)
def test_bytes_are_the_codes_and_their_scales(scheme, bits):
    numbers = cache(shape=(4, 16, 2, 64))
    codes = quantize(numbers, scheme)
    assert codes.codes.nbytes == numbers.size * bits // 8
    scales = {"fp8": 1, "int8": 1, "int8_token_head": 4 * 16 * 2, "int4": 2 * 4 * 2 * 64}[scheme]
    assert codes.nbytes == codes.codes.nbytes + 4 * scales


@pytest.mark.parametrize("scheme", SCHEMES)
def test_zeros_and_constants_survive(scheme):
    for value in (0.0, 3.0):
        numbers = np.full((2, 4, 1, 4), value, np.float32)
        np.testing.assert_allclose(quantize(numbers, scheme).dequantize(), numbers, rtol=1e-6)


def test_outlier_channels_hurt_a_scale_for_all_but_not_one_a_channel():
    plain, outliers = cache(shape=(8, 32, 2, 32)), cache(shape=(8, 32, 2, 32))
    outliers[..., :2] *= 50

    def worst(numbers, scheme):
        off = np.linalg.norm(quantize(numbers, scheme).dequantize() - numbers, axis=(0, 1))
        return float((off / np.linalg.norm(numbers, axis=(0, 1))).max())

    assert worst(outliers, "int8") > 10 * worst(plain, "int8")
    assert worst(outliers, "int4") < 1.01 * worst(plain, "int4")


@pytest.mark.parametrize(
    ("numbers", "scheme", "words"),
    [
        (cache(), "int3", "scheme is 'int3', expected one of fp8"),
        (cache()[0], "fp8", "expected .blocks, block size, heads, d."),
        (cache()[..., :7], "int4", "7 channels, expected an even number"),
        (np.full((1, 1, 1, 2), np.nan, np.float32), "fp8", "not finite"),
        (np.ones((1, 1, 1, 2), int), "fp8", "cache has dtype int64"),
    ],
)
def test_what_cannot_be_quantized_is_one_sentence(numbers, scheme, words):
    with pytest.raises(ValueError, match=words):
        quantize(numbers, scheme)
