"""Attention over whole sequences: every kernel against its definition, and what may go wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.kernels import (
    block_prefix_attention,
    dynamic_block_size,
    flash_attention,
    flash_tiles,
    local_block_attention,
    merge_attn_states,
    paged_attention,
    paged_blocks,
    softmax,
    standard_attention,
    varlen_attention,
)
from tests.kernels.attention_oracle import error, naive_attention, problems, randn, visible

FP32 = 2e-6
EXACT = 1e-12  # float64

KERNELS = {
    "standard": standard_attention,
    "paged": lambda *inputs, **masks: paged_attention(*inputs, 3, **masks),
    "flash": lambda *inputs, **masks: flash_attention(*inputs, block_m=3, block_n=4, **masks)[0],
}
each_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)


@given(problems(), st.integers(1, 20), st.integers(1, 20))
@settings(max_examples=120)
def test_every_kernel_is_attention(problem, block_m, block_n):
    inputs, masks = problem
    out, lse = naive_attention(*inputs, **masks)
    bound = 1e-5 if inputs[0].dtype == np.float32 else EXACT  # logits up to thousands
    assert error(standard_attention(*inputs, **masks), out) < bound
    assert error(paged_attention(*inputs, block_m, **masks), out) < bound
    tiled, logged = flash_attention(*inputs, block_m=block_m, block_n=block_n, **masks)
    assert error(tiled, out) < bound
    np.testing.assert_allclose(logged, lse, rtol=bound, atol=100 * bound)
    assert tiled.dtype == logged.dtype == inputs[0].dtype


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("n", "keys"), [(257, 257), (100, 300), (300, 100)])
@each_kernel
def test_single_precision_is_within_its_bound(kernel, n, keys, causal):
    inputs = randn(2, 4, n, 64), randn(2, 2, keys, 64, seed=1), randn(2, 2, keys, 64, seed=2)
    exact = standard_attention(*(array.astype(np.float64) for array in inputs), causal=causal)
    assert error(kernel(*inputs, causal=causal), exact) <= FP32


@each_kernel
def test_half_precision_is_summed_in_single(kernel):
    inputs = [randn(2, 50, 64, dtype=np.float16, seed=seed) for seed in range(3)]
    exact = standard_attention(*(array.astype(np.float64) for array in inputs))
    out = kernel(*inputs)
    assert out.dtype == np.float16
    assert error(out, exact) <= 1e-3


@each_kernel
def test_inputs_need_not_be_contiguous_and_stay_as_they_are(kernel):
    wide = [randn(5, 40, 3, 16, seed=seed) for seed in range(3)]
    views = [array.swapaxes(1, 2)[::2, :, ::-2, ::2] for array in wide]
    before = [view.copy() for view in views]
    np.testing.assert_array_equal(kernel(*views), kernel(*before))
    for view, copy in zip(views, before, strict=True):
        np.testing.assert_array_equal(view, copy)


@each_kernel
def test_large_logits_do_not_overflow(kernel):
    q, k, v = (randn(6, 8, seed=seed) for seed in range(3))
    out = kernel(1e4 * q, 1e4 * k, v)
    assert np.isfinite(out).all()
    assert error(out, naive_attention(1e4 * q, 1e4 * k, v)[0]) < 1e-5


@each_kernel
def test_rows_that_see_nothing_are_zero(kernel):
    out = kernel(randn(7, 8), randn(4, 8), randn(4, 8), causal=True)
    assert not out[:3].any()
    assert out[3:].all()


@each_kernel
def test_fewer_queries_than_keys_are_the_newest_tokens(kernel):
    inputs = [randn(2, 11, 8, seed=seed) for seed in range(3)]
    whole = standard_attention(*inputs, causal=True)
    newest = kernel(inputs[0][:, -4:], *inputs[1:], causal=True)
    np.testing.assert_allclose(newest, whole[:, -4:], atol=1e-6)


WRONG = {
    "integers": ((np.ones((4, 8), int),) * 3, {}, "Q has dtype int64"),
    "lists": (([[1.0]], randn(1, 1), randn(1, 1)), {}, "Q is a list"),
    "one axis": ((randn(4),) * 3, {}, "expected .* heads, n, d"),
    "dtypes": ((randn(4, 8, dtype=np.float64), randn(4, 8), randn(4, 8)), {}, "dtypes float64"),
    "head sizes": ((randn(4, 8), randn(4, 6), randn(4, 6)), {}, "head sizes 8 and 6"),
    "keys": ((randn(4, 8), randn(4, 8), randn(5, 8)), {}, "same leading axes"),
    "heads": ((randn(3, 4, 8), randn(2, 4, 8), randn(2, 4, 8)), {}, "3 query heads"),
    "window": ((randn(4, 8),) * 3, {"window": 0}, "window is 0"),
    "scale": ((randn(4, 8),) * 3, {"scale": np.inf}, "scale is inf"),
}


@pytest.mark.parametrize(("inputs", "masks", "words"), WRONG.values(), ids=WRONG)
@each_kernel
def test_what_does_not_fit_is_one_sentence(kernel, inputs, masks, words):
    with pytest.raises(ValueError, match=words) as refused:
        kernel(*inputs, **masks)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, None])
def test_a_block_is_a_whole_number(size):
    inputs = (randn(4, 8),) * 3
    for call in (
        lambda: paged_attention(*inputs, size),
        lambda: block_prefix_attention(*inputs, size),
        lambda: local_block_attention(*inputs, size),
        lambda: flash_attention(*inputs, block_m=size, block_n=4),
        lambda: flash_attention(*inputs, block_m=4, block_n=size),
    ):
        with pytest.raises(ValueError, match="expected a whole number of at least 1"):
            call()


@given(problems())
@settings(max_examples=40)
def test_the_tiles_cover_every_visible_score_once(problem):
    (q, k, v), masks = problem
    visits = np.zeros((*q.shape[:-1], k.shape[-2]), int)
    for tile in flash_tiles(q, k, v, block_m=3, block_n=4, **masks):
        visits[tile.head][tile.rows, tile.keys] += 1
        assert tile.scores.shape == visits[tile.head][tile.rows, tile.keys].shape
    n, keys = visits.shape[-2:]
    seen = [
        [visible(i, j, n, keys, masks["causal"], masks["window"]) for j in range(keys)]
        for i in range(n)
    ]
    assert visits.max(initial=0) <= 1
    assert (visits >= np.reshape(seen, (n, keys))).all()


def test_a_tiles_state_is_the_softmax_so_far():
    q, k, v = (randn(10, 4, dtype=np.float64, seed=seed) for seed in range(3))
    for tile in flash_tiles(q, k, v, block_m=5, block_n=3):
        scores = q[tile.rows] @ k[: tile.keys.stop].T / 2
        np.testing.assert_allclose(tile.maximum, scores.max(-1))
        sums = np.exp(scores - tile.maximum[:, None]).sum(-1)
        np.testing.assert_allclose(tile.total, sums)
        so_far = softmax(scores) @ v[: tile.keys.stop]
        np.testing.assert_allclose(tile.weighted / tile.total[:, None], so_far)


def test_blocks_of_queries_fill_the_output_from_the_top():
    inputs = [randn(2, 10, 8, seed=seed) for seed in range(3)]
    states = [state.copy() for state in paged_blocks(*inputs, 4)]
    assert len(states) == 1 + 3
    np.testing.assert_array_equal(states[1][:, :4], states[-1][:, :4])


@given(st.integers(1, 12), st.integers(1, 14), st.integers(0, 14), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_the_approximations_see_what_they_say(n, size, overlap, seed):
    q, k, v = (randn(2, n, 4, dtype=np.float64, seed=seed + i) for i in range(3))
    prefix, local = (
        block_prefix_attention(q, k, v, size),
        local_block_attention(q, k, v, size, overlap=overlap),
    )
    for start in range(0, n, size):
        rows, stop = slice(start, start + size), min(start + size, n)
        seen = naive_attention(q[:, rows], k[:, :stop], v[:, :stop])[0]
        np.testing.assert_allclose(prefix[:, rows], seen)
        around = slice(max(0, start - overlap), stop + overlap)
        np.testing.assert_allclose(
            local[:, rows], naive_attention(q[:, rows], k[:, around], v[:, around])[0]
        )


def test_overlap_brings_the_local_blocks_to_the_exact_result():
    q, k, v = (randn(64, 8, dtype=np.float64, seed=seed) for seed in range(3))
    exact = standard_attention(q, k, v)
    errors = [error(local_block_attention(q, k, v, 8, overlap=o), exact) for o in (0, 8, 24, 63)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < EXACT < errors[-2]


def test_the_older_reports_approximation_is_not_exact():
    rng = np.random.RandomState(42)
    q, k, v = (rng.randn(100, 64) for _ in range(3))
    exact = standard_attention(q, k, v)
    assert np.abs(block_prefix_attention(q, k, v, 20) - exact).max() == pytest.approx(1.7, abs=0.05)
    assert np.abs(paged_attention(q, k, v, 20) - exact).max() < 1e-14


def test_the_approximations_need_a_key_for_every_query():
    with pytest.raises(ValueError, match="K has 5 keys"):
        block_prefix_attention(randn(4, 8), randn(5, 8), randn(5, 8), 2)


@given(st.integers(1, 40), st.integers(1, 20_000), st.integers(1, 20_000), st.integers(10, 32))
def test_the_dynamic_block_is_the_largest_that_fits(heads, n, keys, power):
    left, row = 2**power, heads * (keys + 258) * 4
    if row > left:
        with pytest.raises(ValueError, match="expected at most"):
            dynamic_block_size(heads, n, keys, 4, left)
        return
    size = dynamic_block_size(heads, n, keys, 4, left)
    assert size * row <= left
    assert size == 1024 or size >= n or 2 * size * row > left


@given(problems(), st.data())
@settings(max_examples=60)
def test_two_sets_of_keys_merge_into_one(problem, data):
    (q, k, v), masks = problem
    masks |= {"causal": False, "window": None}
    cut = data.draw(st.integers(0, k.shape[-2]))
    parts = [
        flash_attention(q, k[..., keys, :], v[..., keys, :], **masks)
        for keys in (slice(0, cut), slice(cut, None))
    ]
    out, lse = merge_attn_states(*parts[0], *parts[1])
    whole, logged = naive_attention(q, k, v, **masks)
    assert error(out, whole) < 1e-5
    np.testing.assert_allclose(lse, logged, rtol=1e-5, atol=1e-5)


def test_states_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="have shapes"):
        merge_attn_states(randn(2, 4), randn(2), randn(3, 4), randn(3))


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=4), st.booleans()
)
@settings(max_examples=30)
def test_packed_sequences_do_not_see_each_other(lengths, causal):
    starts = np.cumsum([0] + [n for n, _ in lengths])
    keys = np.cumsum([0] + [m for _, m in lengths])
    q, k, v = randn(starts[-1], 4, 8), randn(keys[-1], 2, 8, seed=1), randn(keys[-1], 2, 5, seed=2)
    out, lse = varlen_attention(q, k, v, starts, keys, causal=causal)
    for i in range(len(lengths)):
        own, seen = slice(starts[i], starts[i + 1]), slice(keys[i], keys[i + 1])
        one = naive_attention(*(a.swapaxes(0, 1) for a in (q[own], k[seen], v[seen])), causal)
        assert error(out[own].swapaxes(0, 1), one[0]) < FP32
        np.testing.assert_allclose(lse[own].T, one[1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bounds", [[0], [1, 6], [0, 7], [0, 4, 2, 6]])
def test_bounds_rise_from_nothing_to_all(bounds):
    with pytest.raises(ValueError, match="expected bounds that rise from 0 to 6"):
        varlen_attention(randn(6, 2, 4), randn(6, 2, 4), randn(6, 2, 4), bounds, [0, 6])


@given(st.integers(0, 2), st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_softmax_sums_to_one_along_its_axis(axis, seed):
    x = 500 * randn(3, 4, 5, dtype=np.float64, seed=seed)
    weights = softmax(x, axis)
    np.testing.assert_allclose(weights.sum(axis), 1)
    np.testing.assert_allclose(softmax(x + 1e3, axis), weights, atol=1e-9)
    assert not softmax(np.full((2, 3), -np.inf)).any()
