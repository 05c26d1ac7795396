"""The kernels on torch tensors: the same results, in every dtype that torch adds."""

from functools import partial
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.kernels import standard_attention
from kvviz.kernels.measuring.call import Call
from tests.kernels.attention_oracle import (
    error,
    expected_step,
    naive_attention,
    naive_decode,
    problems,
    randn,
    steps,
)

torch = pytest.importorskip("torch")
ops = pytest.importorskip("kvviz.kernels.torch.ops")
WITHOUT_CPP = import_module("kvviz.kernels.torch.cpp").obstacle(*[torch.zeros(1)] * 3)
TorchMeter = pytest.importorskip("kvviz.kernels.measuring.torch_measure").TorchMeter

BACKENDS = [
    pytest.param("cpp", marks=pytest.mark.skipif(WITHOUT_CPP is not None, reason=str(WITHOUT_CPP))),
    "operators",
]
DECODES = {"gathered": ops.gathered_attention_decode} | {
    backend: partial(ops.paged_attention_decode, backend=backend)
    for backend in ops.DECODE_BACKENDS
    if backend != "cpp" or WITHOUT_CPP is None
}
BOUNDS = {torch.float32: 2e-6, torch.bfloat16: 1e-2, torch.float16: 1e-3}
KERNELS = {
    "standard": ops.standard_attention,
    "paged": lambda *inputs, **masks: ops.paged_attention(*inputs, 48, **masks),
    "flash": lambda *inputs, **masks: ops.flash_attention(*inputs, **masks)[0],
    "flash small": lambda *i, **masks: ops.flash_attention(*i, block_m=32, block_n=48, **masks)[0],
    "sdpa flash": lambda *inputs, **masks: ops.sdpa_attention(*inputs, backend="flash", **masks),
    "sdpa math": lambda *inputs, **masks: ops.sdpa_attention(*inputs, backend="math", **masks),
    "sdpa": ops.sdpa_attention,
}


@given(problems(), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=60)
def test_every_kernel_is_attention(problem, block_m, block_n):
    inputs, masks = problem
    out, lse = naive_attention(*inputs, **masks)
    bound = 1e-5 if inputs[0].dtype == np.float32 else 1e-12
    tensors = [torch.from_numpy(array) for array in inputs]
    assert error(ops.standard_attention(*tensors, **masks), out) < bound
    assert error(ops.paged_attention(*tensors, block_m, **masks), out) < bound
    tiled, logged = ops.flash_attention(*tensors, block_m=block_m, block_n=block_n, **masks)
    assert error(tiled, out) < bound
    np.testing.assert_allclose(logged, lse, rtol=bound, atol=100 * bound)


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize(("n", "keys"), [(130, 130), (50, 130)])
@pytest.mark.parametrize("masks", [{}, {"causal": True}, {"causal": True, "window": 40}], ids=str)
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_every_dtype_is_within_its_bound(kernel, masks, n, keys, dtype):
    inputs = [
        torch.from_numpy(randn(2, heads, length, 64, seed=length + heads)).to(dtype)
        for heads, length in ((4, n), (2, keys), (2, keys))
    ]
    exact = standard_attention(*(tensor.double().numpy() for tensor in inputs), **masks)
    out = kernel(*inputs, **masks)
    assert out.dtype == dtype
    assert error(out.double(), exact) <= BOUNDS[dtype]


@given(steps(), st.sampled_from([1, 4, 256]), st.sampled_from(sorted(DECODES)))
@settings(max_examples=120)
def test_scattered_pages_are_attended_to_exactly(step, tile_tokens, name):
    inputs, window = step
    expected, sizes = expected_step(*inputs, window=window)
    tensors = [torch.from_numpy(array) for array in inputs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kvviz.kernels.torch.paged.TILE_TOKENS", tile_tokens)
        assert error(DECODES[name](*tensors, window=window), expected, sizes) <= 2e-6


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize("decode", DECODES.values(), ids=DECODES)
def test_decoding_is_within_its_bound_in_every_dtype(decode, dtype):
    inputs = _step(dtype)
    numbers = [tensor.double().numpy() for tensor in inputs[:3]]
    expected = naive_decode(*numbers, inputs[3].numpy(), inputs[4].numpy())
    out = decode(*inputs)
    assert out.dtype == dtype
    assert error(out.double(), expected) <= BOUNDS[dtype]


@pytest.mark.parametrize("window", [None, 1000])
@pytest.mark.parametrize("decode", DECODES.values(), ids=DECODES)
def test_tiles_merge_into_the_attention_of_a_long_cache(decode, window):
    """Three tiles, the last one partial, over scores of which a few are far above the rest."""
    q, k_cache, v_cache, table, _ = _step(size=64)
    inputs = (8 * q, k_cache, v_cache, table, torch.tensor([2500, 1031], dtype=torch.int32))
    expected = naive_decode(*(tensor.numpy() for tensor in inputs), window=window)
    assert error(decode(*inputs, window=window), expected) <= 2e-6


@pytest.mark.parametrize("backend", BACKENDS)
def test_decoding_holds_one_tile_and_its_scores_whatever_the_length(backend):
    peaks = []
    for length in (2048, 4096):
        inputs = _step(length=length, size=64)
        call = Call("paged", ops.paged_attention_decode, inputs, {"backend": backend})
        peaks.append(TorchMeter(torch.device("cpu")).peak(call)[0])
    tile = 1024 * (2 * 64 + 3 * 8) * 4  # keys of two heads; scores and weights of eight
    assert 0 < peaks[0] < 1.05 * tile
    assert peaks[1] - peaks[0] < 0.05 * tile


def _step(dtype=torch.float32, length=500, size=16):
    table = torch.from_numpy(np.random.default_rng(0).permutation(128).reshape(2, -1).astype("i4"))
    k_cache, v_cache, q = (
        torch.from_numpy(randn(*shape, seed=seed)).to(dtype)
        for seed, shape in enumerate([(128, size, 2, 64), (128, size, 2, 64), (2, 8, 64)])
    )
    return q, k_cache, v_cache, table, torch.tensor([length, length - 77], dtype=torch.int32)


def test_flex_attends_through_the_same_pages():
    """Compiled for the CPU with a C++ compiler; skipped, aloud, without one."""
    inputs = _step(length=300)
    expected = ops.gathered_attention_decode(*inputs)
    try:
        out = ops.flex_paged_attention_decode(*inputs)
    except Exception as missing:
        if "compiler" in str(missing).lower():
            pytest.skip("torch.compile finds no C++ compiler here")
        raise
    assert error(out, expected.numpy()) <= 2e-6


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_attends_with_a_mask_that_was_made_before(causal, monkeypatch):
    flex = import_module("kvviz.kernels.torch.flex")
    monkeypatch.setattr(flex, "compiled", lambda: flex.flex_attention)
    inputs = [torch.from_numpy(randn(1, 2, 130, 16, seed=seed)) for seed in range(3)]
    out = flex.flex_masked_attention(*flex.with_mask(*inputs, causal=causal))
    expected = standard_attention(*(x.numpy() for x in inputs), causal=causal)
    assert error(out, expected) <= 2e-6


def test_states_merge_as_in_numpy():
    inputs = [torch.from_numpy(randn(2, 30, 8, seed=seed)) for seed in range(3)]
    q, k, v = inputs
    parts = [ops.flash_attention(q, k[:, at], v[:, at]) for at in (slice(0, 11), slice(11, 30))]
    out, lse = ops.merge_attn_states(*parts[0], *parts[1])
    whole, logged = naive_attention(*(tensor.numpy() for tensor in inputs))
    assert error(out, whole) <= 2e-6
    np.testing.assert_allclose(lse, logged, rtol=1e-6)


def test_tokens_land_in_their_slots():
    k_cache, v_cache = torch.zeros(3, 4, 2, 5), torch.zeros(3, 4, 2, 6)
    key, value = torch.ones(3, 2, 5), torch.full((3, 2, 6), 2.0)
    ops.reshape_and_cache(key, value, k_cache, v_cache, torch.tensor([11, -1, 2]))
    assert k_cache[2, 3].eq(1).all()
    assert v_cache[0, 2].eq(2).all()
    assert k_cache.sum() == 20
    with pytest.raises(ValueError, match="beyond the cache's 12"):
        ops.reshape_and_cache(key, value, k_cache, v_cache, torch.tensor([12, -1, 2]))


def test_softmax_of_nothing_is_zero():
    assert not ops.softmax(torch.full((2, 3), -torch.inf)).any()
    torch.testing.assert_close(ops.softmax(torch.ones(2, 4)), torch.full((2, 4), 0.25))


def test_what_does_not_fit_is_one_sentence():
    good = torch.ones(2, 4, 8)
    with pytest.raises(ValueError, match="Q is a ndarray, expected a torch tensor"):
        ops.standard_attention(good.numpy(), good, good)
    with pytest.raises(ValueError, match=r"K is torch.float64 on cpu, expected torch.float32"):
        ops.standard_attention(good, good.double(), good.double())
    with pytest.raises(ValueError, match="backend is 'quick', expected one of flash"):
        ops.sdpa_attention(good, good, good, backend="quick")
    with pytest.raises(ValueError, match="backend cudnn does not run this here"):
        ops.sdpa_attention(good, good, good, backend="cudnn")
    q, k_cache, v_cache, table, lengths = _step()
    with pytest.raises(ValueError, match=r"block_table\[0, 0\] is 999"):
        ops.paged_attention_decode(q, k_cache, v_cache, table.fill_(999), lengths)
