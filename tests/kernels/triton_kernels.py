"""What the Triton kernels compute, in the interpreter or on a GPU; `test_triton_ops` runs this.

Triton fixes at its import whether it interprets, so that both need a process of their own.
"""

import json
import os

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kvviz.kernels as exact
from kvviz.catalog.measured.recordings import recordings
from kvviz.kernels.measuring import torch_presets, triton_gpu, triton_rows
from kvviz.kernels.measuring.gpu_shapes import Filled, Latent
from kvviz.kernels.measuring.inputs import Decode
from kvviz.kernels.measuring.machine import Rates
from kvviz.kernels.measuring.table import text
from kvviz.kernels.measuring.triton_recording import record
from kvviz.kernels.triton import ops as triton_ops
from kvviz.kernels.triton.decode import DecodeTile
from kvviz.kernels.triton.flash import Tile
from kvviz.kernels.triton.ops import Pages, SplitPlan
from tests.kernels.attention_oracle import error, naive_attention, naive_decode

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
# The interpreter's bfloat16 products are not a GPU's.
DTYPES = [torch.float32, torch.float16, *([] if INTERPRETED else [torch.bfloat16])]
BOUND = {torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 1e-2}
SCHEMES = ["fp8", "int8", "int8_token_head"]

properties = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def on_device(array, dtype=None):
    return torch.from_numpy(array).to(DEVICE, dtype)


def on_host(tensor):
    return tensor.cpu().double().numpy()


def randn(rng, dtype, *shape):
    """Return a tensor, and the float64 numbers that it holds after rounding."""
    tensor = on_device(rng.standard_normal(shape), dtype)
    return tensor, on_host(tensor)


@st.composite
def problems(draw):
    """Draw Q, K, V and settings: heads that share, lengths around tile edges, head sizes."""
    dtype = draw(st.sampled_from(DTYPES))
    kv_heads, group = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    n, keys = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    d, width = draw(st.sampled_from([8, 16, 24])), draw(st.sampled_from([8, 16, 24]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pairs = [
        randn(rng, dtype, *batch, *shape)
        for shape in ((kv_heads * group, n, d), (kv_heads, keys, d), (kv_heads, keys, width))
    ]
    masks = {
        "causal": draw(st.booleans()),
        "window": draw(st.none() | st.integers(1, 45)),
        "scale": draw(st.none() | st.floats(0.05, 1)),
    }
    return dtype, *zip(*pairs, strict=True), masks


@given(problems(), st.sampled_from([(16, 16), (32, 16), (16, 32)]))
@properties
def test_flash_is_exact_attention(problem, blocks):
    dtype, tensors, numbers, masks = problem
    out, lse = triton_ops.flash_attention(*tensors, block_m=blocks[0], block_n=blocks[1], **masks)
    expected, expected_lse = naive_attention(*numbers, **masks)
    assert out.dtype == dtype
    assert lse.dtype == torch.float32
    assert error(on_host(out), expected) <= BOUND[dtype]
    np.testing.assert_allclose(on_host(lse), expected_lse, atol=1e-5)


def test_flash_chooses_its_tiles():
    q, numbers = randn(np.random.default_rng(0), torch.float16, 2, 200, 64)
    out, _ = triton_ops.flash_attention(q, q, q, causal=True)
    expected = exact.standard_attention(numbers, numbers, numbers, causal=True)
    assert error(on_host(out), expected) <= BOUND[torch.float16]


def test_flash_reads_any_layout():
    """Transposed, broadcast and unaligned tensors are those that a copy engine may not take."""
    base, numbers = randn(np.random.default_rng(1), torch.float16, 1, 30, 2, 17)
    q, k = base[..., :16].transpose(1, 2), base[..., 1:].transpose(1, 2)
    v = base[:, :, :1, :16].transpose(1, 2).expand(1, 2, 30, 16)
    expected, _ = naive_attention(
        numbers[..., :16].swapaxes(1, 2),
        numbers[..., 1:].swapaxes(1, 2),
        np.broadcast_to(numbers[:, :, :1, :16].swapaxes(1, 2), (1, 2, 30, 16)),
    )
    assert error(on_host(triton_ops.flash_attention(q, k, v)[0]), expected) <= 2e-3


def test_no_keys_and_no_queries():
    none = torch.empty(2, 0, 16, device=DEVICE)
    some = torch.ones(2, 3, 16, device=DEVICE)
    out, lse = triton_ops.flash_attention(some, none, none)
    assert not out.any()
    assert torch.isneginf(lse).all()
    assert triton_ops.flash_attention(none, some, some)[0].shape == (2, 0, 16)
    assert triton_ops.flash_attention(some[0], some[0], some[0])[1].shape == (3,)


@st.composite
def steps(draw):
    """Draw a decode step; every page and entry that is not a sequence's own is poison."""
    lengths = draw(st.lists(st.integers(0, 150), min_size=1, max_size=3))
    size = draw(st.sampled_from([16, 64, 128]))
    kv_heads, group = draw(st.integers(1, 2)), draw(st.sampled_from([1, 3, 4]))
    d, width = draw(st.sampled_from([8, 16, 24])), draw(st.sampled_from([8, 16, 24]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table, own = tables(rng, lengths, size)
    caches = [
        np.where(own[:, :, None, None], rng.standard_normal((*own.shape, kv_heads, each)), np.nan)
        for each in (d, width)
    ]
    q = rng.standard_normal((len(lengths), kv_heads * group, d))
    return q, *caches, table, np.array(lengths, np.int32)


def tables(rng, lengths, size):
    """Return a block table of scattered pages, and which slots of the cache hold a token."""
    pages = [-(-length // size) for length in lengths]
    ids = iter(rng.permutation(sum(pages) + 2).tolist())
    table = rng.choice([-1, 10**6], (len(lengths), max([*pages, 1]) + 1)).astype(np.int32)
    own = np.zeros((sum(pages) + 2, size), bool)
    for row, (length, count) in enumerate(zip(lengths, pages, strict=True)):
        table[row, :count] = [next(ids) for _ in range(count)]
        for token in range(length):
            own[table[row, token // size], token % size] = True
    return table, own


PLANS = st.sampled_from([None, SplitPlan(64, 3), SplitPlan(32, 5), SplitPlan(32, 1)])


@given(steps(), st.sampled_from(DTYPES), st.none() | st.integers(1, 100), PLANS)
@properties
def test_scattered_pages_are_attended_to_exactly(step, dtype, window, plan):
    q, k, v, table, lengths = step
    floats = [on_device(array, dtype) for array in (q, k, v)]
    tables_ = [on_device(table), on_device(lengths)]
    out = triton_ops.paged_attention_decode(*floats, *tables_, window=window, plan=plan)
    expected = naive_decode(*(on_host(tensor) for tensor in floats), table, lengths, window=window)
    assert out.dtype == dtype
    assert error(on_host(out), expected) <= BOUND[dtype]


@pytest.mark.parametrize("plan", [None, SplitPlan(32, 3)])
@pytest.mark.parametrize("size", [16, 64, 128])
def test_a_window_reads_nothing_before_its_first_token(size, plan):
    """Pages before the window are poison: even a masked product with them would be seen."""
    rng = np.random.default_rng(size)
    lengths, window = [300, 40, 7], 50
    table, own = tables(rng, lengths, size)
    numbers = np.where(own[..., None, None], rng.standard_normal((*own.shape, 1, 16)), np.nan)
    poisoned = numbers.copy()
    for row, length in enumerate(lengths):
        for token in range(max(length - window, 0)):
            poisoned[table[row, token // size], token % size] = np.nan
    q, q_numbers = randn(rng, torch.float32, 3, 4, 16)
    cache = on_device(poisoned, torch.float32)
    skipped = table.copy()
    skipped[0, : (lengths[0] - window) // size] = 10**6  # pages that were given back
    where = (on_device(skipped), on_device(np.array(lengths, np.int32)))
    plan = plan or triton_ops.plan_decode(lengths, *[Pages(cache)] * 2, window=window)
    out = triton_ops.paged_attention_decode(q, cache, cache, *where, window=window, plan=plan)
    exact_numbers = on_host(on_device(numbers, torch.float32))
    expected = naive_decode(q_numbers, *[exact_numbers] * 2, table, lengths, window=window)
    assert error(on_host(out), expected) <= BOUND[torch.float32]


@given(steps(), st.sampled_from(DTYPES), st.sampled_from(SCHEMES), PLANS)
@settings(properties, max_examples=12)
def test_quantized_pages_are_attended_to_as_their_numbers(step, dtype, scheme, plan):
    q, k, v, table, lengths = step
    q = on_device(q, dtype)
    keys, values = (triton_ops.quantize(on_device(np.nan_to_num(c)), scheme) for c in (k, v))
    out = triton_ops.paged_attention_decode(
        q, keys, values, on_device(table), on_device(lengths), plan=plan
    )
    numbers = [dequantized(pages) for pages in (keys, values)]
    assert error(on_host(out), naive_decode(on_host(q), *numbers, table, lengths)) <= BOUND[dtype]


def dequantized(pages):
    scale = pages.scale[..., None] if pages.scale.ndim > 1 else pages.scale
    return on_host(pages.numbers.float() * scale)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_codes_are_those_of_numpy(scheme):
    cache = np.random.default_rng(3).standard_normal((3, 4, 2, 8)).astype(np.float32)
    cache[0, 0, 0] = 0
    pages = triton_ops.quantize(on_device(cache), scheme)
    np.testing.assert_allclose(
        dequantized(pages), exact.quantize(cache, scheme).dequantize(), rtol=1e-6
    )


def test_many_splits_are_joined():
    rng = np.random.default_rng(4)
    table, own = tables(rng, [1000, 3], 16)
    cache, numbers = randn(rng, torch.float16, *own.shape, 1, 16)
    q, q_numbers = randn(rng, torch.float16, 2, 4, 16)
    lengths = np.array([1000, 3], np.int32)
    out = triton_ops.paged_attention_decode(
        q, cache, cache, on_device(table), on_device(lengths), plan=SplitPlan(32, 32)
    )
    expected = naive_decode(q_numbers, numbers, numbers, table, lengths)
    assert error(on_host(out), expected) <= 2e-3


def test_a_batch_of_nothing():
    cache = torch.ones(1, 16, 1, 16, device=DEVICE)
    none = torch.empty(0, 1, 16, device=DEVICE)
    tables_ = [torch.empty(0, 3, dtype=torch.int32, device=DEVICE), torch.empty(0, device=DEVICE)]
    tables_[1] = tables_[1].int()
    assert triton_ops.paged_attention_decode(none, cache, cache, *tables_).shape == (0, 1, 16)


@given(
    st.lists(st.integers(0, 80), min_size=1, max_size=3),
    st.sampled_from(DTYPES),
    st.sampled_from([2, 5, 20]),
    st.sampled_from([None, SplitPlan(32, 3)]),
    st.integers(0, 2**32 - 1),
)
@settings(properties, max_examples=12)
def test_latents_are_attended_to_exactly(lengths, dtype, heads, plan, seed):
    rng = np.random.default_rng(seed)
    d, rope, width, latent = 8, 4, 12, 24
    table, own = tables(rng, lengths, 16)
    shapes = [
        (len(lengths), heads, d),
        (len(lengths), heads, rope),
        (*own.shape, latent + rope),
        (heads, d, latent),
        (heads, width, latent),
    ]
    pairs = [randn(rng, dtype, *shape) for shape in shapes]
    tensors, numbers = zip(*pairs, strict=True)
    where = (table, np.array(lengths, np.int32))
    out = triton_ops.mla_decode(*tensors, *(on_device(array) for array in where), plan=plan)
    assert error(on_host(out), exact.mla_decode(*numbers, *where)) <= 2 * BOUND[dtype]


def test_states_are_merged():
    rng = np.random.default_rng(5)
    a, b = (rng.standard_normal((2, 3, 20)).astype(np.float32) for _ in range(2))
    lse_a, lse_b = (rng.standard_normal((2, 3)).astype(np.float32) for _ in range(2))
    lse_a[0, 0] = lse_b[0, 0] = lse_a[1, 2] = -np.inf
    states = (a, lse_a, b, lse_b)
    merged = triton_ops.merge_attn_states(*(on_device(state) for state in states))
    for found, expected in zip(merged, exact.merge_attn_states(*states), strict=True):
        np.testing.assert_allclose(on_host(found), expected, atol=1e-6)


def floats(*shape, dtype=torch.float32):
    return torch.ones(shape, dtype=dtype, device=DEVICE)


def decode(**changes):
    inputs = {
        "q": floats(2, 4, 16),
        "k_cache": floats(5, 16, 2, 16),
        "v_cache": floats(5, 16, 2, 16),
        "block_table": torch.zeros(2, 3, dtype=torch.int32, device=DEVICE),
        "seq_lens": torch.tensor([48, 1], dtype=torch.int32, device=DEVICE),
    }
    return triton_ops.paged_attention_decode(**inputs | changes)


def flash(*shapes, dtype=torch.float32, **settings_):
    return triton_ops.flash_attention(*(floats(*s, dtype=dtype) for s in shapes), **settings_)


SQUARE = [(16, 16)] * 3
WRONG = {
    "heads": (lambda: flash((3, 4, 16), (2, 4, 16), (2, 4, 16)), "3 query heads do not share 2"),
    "axes": (lambda: flash((4, 16), (2, 4, 16), (2, 4, 16)), "expected the same leading axes"),
    "head size": (lambda: flash(*[(4, 6)] * 3), "6 numbers, expected a multiple of 4"),
    "dtype": (lambda: flash(*SQUARE, dtype=torch.float64), "Q has dtype torch.float64"),
    "block": (lambda: flash(*SQUARE, block_m=24), "block_m is 24, expected a power of two"),
    "small": (lambda: flash(*SQUARE, block_n=8), "block_n is 8, expected .+ at least 16"),
    "large": (lambda: flash(*SQUARE, block_m=2**20), "tiles of 1048576 × None do not fit"),
    "scale": (lambda: flash(*SQUARE, scale=-1.0), "scale is -1.0, expected a number above 0"),
    "window": (lambda: flash(*SQUARE, window=0), "window is 0"),
    "length": (
        lambda: decode(seq_lens=torch.tensor([49, 1], device=DEVICE)),
        "expected 0 to the table's 48",
    ),
    "page": (
        lambda: decode(block_table=torch.full((2, 3), 5, device=DEVICE)),
        r"block_table\[0, 0\] is 5",
    ),
    "cache": (lambda: decode(k_cache=floats(5, 16, 2, 16).int()), "k_cache has dtype torch.int32"),
    "layout": (
        lambda: decode(k_cache=floats(5, 16, 16, 2).transpose(2, 3)),
        "k_cache has numbers of a head 2 apart, expected them side by side",
    ),
    "schemes": (
        lambda: decode(
            k_cache=triton_ops.quantize(floats(5, 16, 2, 16), "int8"),
            v_cache=triton_ops.quantize(floats(5, 16, 2, 16), "int8_token_head"),
        ),
        "quantized differently",
    ),
    "scheme": (lambda: triton_ops.quantize(floats(1, 1, 1, 2), "int4"), "scheme is 'int4'"),
    "states": (
        lambda: triton_ops.merge_attn_states(floats(2, 3), floats(2), floats(2, 3), floats(3)),
        "expected .\\.\\.\\., d",
    ),
    "latents": (
        lambda: triton_ops.mla_decode(
            *(floats(1, 2, 4), floats(1, 2, 2), floats(1, 16, 9)),
            *(floats(2, 4, 6), floats(2, 5, 6)),
            *(torch.ones(*shape, device=DEVICE).int() for shape in ((1, 1), (1,))),
        ),
        "do not fit together",
    ),
}


@pytest.mark.parametrize(("call", "words"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_one_sentence(call, words):
    with pytest.raises(ValueError, match=words) as refused:
        call()
    assert "\n" not in str(refused.value)


ON = triton_rows.Device(torch.device(DEVICE), torch.float16, flex=False)
RATES = Rates(copy_bytes_s=1e12, read_bytes_s=1e12, gemm_flops=1e14)
SMALL = Decode(2, 50, 16, 4, 2, 16)
GROUPS = {
    "prefill": (
        Filled(16, 16, True),
        lambda s: triton_rows.prefill(s, [Tile(16, 16, 4, 2), Tile(16, 32, 4, 2)], ON),
    ),
    "decode": (SMALL, lambda shape: triton_rows.decode(shape, [DecodeTile(32, 4, 2, 1)], ON)),
    "quant": (SMALL, lambda shape: triton_rows.quantized(shape, "fp8", ON)),
    "latent": (Latent(1, 40, 16, 16), lambda shape: triton_rows.latent(shape, ON)),
}


@pytest.mark.parametrize("part", GROUPS)
def test_kernels_are_measured_with_their_error_and_their_floor(part, monkeypatch):
    monkeypatch.setattr("kvviz.kernels.measuring.measure.MOST_REPEATS", 1)
    monkeypatch.setattr("kvviz.kernels.measuring.gpu_shapes.TOKENS", 32)
    monkeypatch.setattr("kvviz.kernels.measuring.gpu_shapes.HIDDEN", 32)
    shape, make = GROUPS[part]
    found = triton_gpu.measured(part, shape, lambda: make(shape), RATES)
    assert any(row["name"].startswith("Triton") for row in found["rows"])
    for row in found["rows"]:
        assert 0 < row["error"] <= (0.1 if part == "quant" else 2e-3)
        floor = max(row["flops"] / RATES.gemm_flops, row["bytes_moved"] / RATES.read_bytes_s)
        assert row["predicted_seconds"] == pytest.approx(floor)
    refused = [note for note in found["notes"] if "was left out" in note]
    assert len(found["notes"]) - len(refused) == len(found["rows"])
    assert bool(refused) == (part in ("prefill", "decode"))  # cuDNN's, without a GPU or d 16
    facts = {"preset": part, "device": "here", "date": "today", "threads": 1, "cores": 1}
    told = text(facts | {"groups": [found]})
    assert all(row["name"] in told for row in found["rows"])


@pytest.mark.parametrize("preset", ["decode", "memory"])
def test_a_recording_grows_by_groups_and_is_read_back(preset, monkeypatch, tmp_path):
    monkeypatch.setattr("kvviz.kernels.measuring.measure.MOST_REPEATS", 1)
    monkeypatch.setattr("kvviz.kernels.measuring.torch_measure.GEMM", 64)
    monkeypatch.setattr("kvviz.kernels.measuring.torch_measure.MiB", 1024)
    monkeypatch.delitem(torch_presets.DTYPES, "fp16")
    monkeypatch.delitem(torch_presets.DTYPES, "bf16")
    shapes = {"DECODE": (SMALL, SMALL), "LATENT": (Latent(1, 40, 16, 16),), "MEMORY": (32,)}
    for name, few in shapes.items():
        monkeypatch.setattr(f"kvviz.kernels.measuring.gpu_shapes.{name}", few)
    facts = {"device": "here", "date": "2026-11-21", "command": "a test"}
    on = triton_rows.Device(ON.device, torch.float32, flex=False)
    for count, found in enumerate(record(preset, on, facts), start=1):
        assert len(found["groups"]) == count
        (tmp_path / "here.json").write_text(json.dumps(found))
    (read,) = recordings(tmp_path)
    assert read.facts == json.loads(json.dumps(found))
    if preset == "memory":
        assert [group["dtype"] for group in read.groups("memory")] == ["fp32"]
        held = {row["name"]: row["peak_multiple"] for row in read.groups("memory")[0]["rows"]}
        assert {"one line", "SDPA flash", "Triton flash"} <= set(held)
        assert all(multiple > 0 for multiple in held.values())
        assert all(row["predicted_seconds"] > 0 for row in read.groups("memory")[0]["rows"])
    else:
        first, second = ({row["name"] for row in group["rows"]} for group in read.groups("decode"))
        assert len(second) < len(first)  # all cuts are tried once, then the best is kept
        assert read.groups("latent")


def test_the_cut_with_the_shortest_median_is_kept():
    cuts = [Tile(16, 16, 4, 2), Tile(16, 32, 4, 2), Tile(32, 32, 4, 2)]
    rows = [
        {"name": triton_rows.named(cut), "seconds_median": seconds}
        for cut, seconds in zip(cuts[1:], (2.0, 1.0), strict=True)
    ]
    assert triton_gpu.fastest(cuts, {"rows": rows}) == cuts[2]
    assert triton_gpu.fastest(cuts, {"rows": []}) == cuts[0]
