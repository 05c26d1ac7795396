"""Decoding over a paged cache: scattered pages, every length, garbage that must not be read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.kernels import (
    gathered_attention_decode,
    mla_decode,
    paged_attention_decode,
    quantize,
    reshape_and_cache,
    standard_attention,
)
from kvviz.kernels.numpy import paged as paged_module
from tests.kernels.attention_oracle import error, expected_step, naive_decode, randn, steps

FP32 = 2e-6


@given(steps(), st.sampled_from([1, 4, 1024]))
@settings(max_examples=100)
def test_scattered_pages_are_attended_to_exactly(step, tile_tokens):
    inputs, window = step
    expected, sizes = expected_step(*inputs, window=window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paged_module, "TILE_TOKENS", tile_tokens)
        assert error(paged_attention_decode(*inputs, window=window), expected, sizes) <= FP32
    assert error(gathered_attention_decode(*inputs, window=window), expected, sizes) <= FP32


def test_a_long_cache_is_within_the_bound():
    q, cache, table, lengths = _step(batch=3, length=2500, size=16)
    expected = naive_decode(q, cache, cache, table, lengths)
    assert error(paged_attention_decode(q, cache, cache, table, lengths), expected) <= FP32


def test_decoding_is_the_last_row_of_causal_attention():
    q, cache, table, lengths = _step(batch=1, length=37, size=8)
    k = cache[table[0]].reshape(-1, *cache.shape[2:])[:37].swapaxes(0, 1)
    row = standard_attention(q[0][:, None], k, k, causal=True)[:, 0]
    out = paged_attention_decode(q, cache, cache, table, lengths)[0]
    np.testing.assert_allclose(out, row, atol=1e-6)


def test_half_precision_is_summed_in_single():
    q, cache, table, lengths = _step(batch=2, length=300, size=16)
    half = q.astype(np.float16), cache.astype(np.float16), cache.astype(np.float16)
    out = paged_attention_decode(*half, table, lengths)
    assert out.dtype == np.float16
    assert error(out, naive_decode(*half, table, lengths)) <= 1e-3


def _step(batch, length, size, heads=8, kv_heads=2, d=16):
    pages = -(-length // size)
    table = np.random.default_rng(1).permutation(batch * pages).reshape(batch, -1).astype(np.int32)
    cache = randn(batch * pages, size, kv_heads, d)
    lengths = (length - np.arange(batch)).astype(np.int32)
    return randn(batch, heads, d, seed=2), cache, table, lengths


def changed(**changes):
    q, cache, table, lengths = _step(batch=2, length=20, size=4)
    inputs = {"q": q, "k_cache": cache, "v_cache": cache, "block_table": table, "seq_lens": lengths}
    return inputs | changes


WRONG = {
    "length": ({"seq_lens": np.array([21, 20], np.int32)}, "expected 0 to the table's 20"),
    "negative": ({"seq_lens": np.array([-1, 20], np.int32)}, "expected 0 to the table's 20"),
    "block": ({"block_table": np.full((2, 5), 10, np.int32)}, r"block_table\[0, 0\] is 10"),
    "padding": ({"block_table": np.full((2, 5), -1, np.int32)}, r"block_table\[0, 0\] is -1"),
    "floats": ({"block_table": np.ones((2, 5))}, "block_table has dtype float64"),
    "batch": ({"seq_lens": np.array([20], np.int32)}, "expected .2, max blocks. and .2,."),
    "heads": ({"q": randn(2, 7, 16)}, "7 query heads do not share 2 KV heads evenly"),
    "axes": ({"q": randn(8, 16)}, "expected .batch, heads, d."),
    "head size": ({"q": randn(2, 8, 12)}, "do not fit together"),
    "dtype": ({"q": randn(2, 8, 16, dtype=np.float64)}, "expected that of q, float64"),
}


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("decode", [paged_attention_decode, gathered_attention_decode])
def test_what_does_not_fit_is_one_sentence(decode, changes, words):
    with pytest.raises(ValueError, match=words) as refused:
        decode(**changed(**changes))
    assert "\n" not in str(refused.value)


def test_a_window_below_one_is_refused():
    with pytest.raises(ValueError, match="window is 0"):
        paged_attention_decode(**changed(), window=0)


def test_padding_tokens_are_not_written():
    cache = np.zeros((2, 4, 1, 3), np.float32)
    reshape_and_cache(randn(3, 1, 3), randn(3, 1, 3), cache, cache.copy(), np.array([6, -1, 0]))
    assert cache[1, 2].all()
    assert cache[0, 0].all()
    assert np.count_nonzero(cache) == 6


@pytest.mark.parametrize(
    ("slots", "words"),
    [([8, 0], "beyond the cache's 8"), ([0], "do not pair"), ([0.0, 1.0], "slot_mapping")],
)
def test_slots_lie_inside_the_cache(slots, words):
    cache = np.zeros((2, 4, 1, 3), np.float32)
    with pytest.raises(ValueError, match=words):
        reshape_and_cache(randn(2, 1, 3), randn(2, 1, 3), cache, cache, np.array(slots))


@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=3),
    st.integers(1, 5),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=40)
def test_absorbed_latent_attention_is_the_expanded_one(lengths, size, seed):
    rng = np.random.default_rng(seed)
    heads, d, rope, width, latent = 3, 4, 2, 5, 6
    pages = [-(-n // size) for n in lengths]
    table = np.full((len(lengths), max([*pages, 1])), -1, np.int32)
    ids = iter(rng.permutation(sum(pages)).tolist())
    for i, count in enumerate(pages):
        table[i, :count] = [next(ids) for _ in range(count)]
    cache = rng.standard_normal((max(sum(pages), 1), size, latent + rope))
    w_uk, w_uv = (
        rng.standard_normal((heads, d, latent)),
        rng.standard_normal((heads, width, latent)),
    )
    q_nope, q_rope = (
        rng.standard_normal((len(lengths), heads, d)),
        rng.standard_normal((len(lengths), heads, rope)),
    )
    out = mla_decode(q_nope, q_rope, cache, w_uk, w_uv, table, np.array(lengths, np.int32))
    for i, n in enumerate(lengths):
        tokens = cache[table[i, : pages[i]]].reshape(-1, latent + rope)[:n]
        k = np.einsum("hdc,nc->hnd", w_uk, tokens[:, :latent])
        shared = np.broadcast_to(tokens[:, latent:], (heads, n, rope))
        v = np.einsum("hvc,nc->hnv", w_uv, tokens[:, :latent])
        q = np.concatenate([q_nope[i], q_rope[i]], -1)[:, None]
        expanded = standard_attention(q, np.concatenate([k, shared], -1), v)[:, 0]
        np.testing.assert_allclose(out[i], expanded, rtol=1e-9, atol=1e-12)


def test_latents_that_do_not_fit_are_refused():
    table, lengths = np.zeros((1, 1), np.int32), np.ones(1, np.int32)
    with pytest.raises(ValueError, match="do not fit together"):
        mla_decode(
            *(randn(1, 2, 4), randn(1, 2, 2), randn(1, 1, 9), randn(2, 4, 6), randn(2, 5, 6)),
            *(table, lengths),
        )


@pytest.mark.parametrize("scheme", ["fp8", "int8", "int8_token_head", "int4"])
def test_a_quantized_cache_is_attended_to_as_its_numbers(scheme):
    q, cache, table, lengths = _step(batch=2, length=300, size=16)
    codes = quantize(cache, scheme)
    out = paged_attention_decode(q, codes, codes, table, lengths)
    numbers = codes.dequantize()
    assert error(out, naive_decode(q, numbers, numbers, table, lengths)) <= FP32
