"""The peaks of calls on torch tensors are known beforehand: by counting the tensors alive."""

from functools import partial

import numpy as np
import pytest

from kvviz.kernels.measuring.call import Call
from kvviz.kernels.measuring.compare import Request, page_calls
from kvviz.kernels.measuring.costs import peak_bytes
from kvviz.kernels.measuring.inputs import Decode, Prefill
from kvviz.kernels.torch import peaks
from kvviz.units import KiB

torch = pytest.importorskip("torch")
ops = pytest.importorskip("kvviz.kernels.torch.ops")
eager = pytest.importorskip("kvviz.kernels.torch.eager")
presets = pytest.importorskip("kvviz.kernels.measuring.torch_presets")
torch_cpp = pytest.importorskip("kvviz.kernels.torch.cpp")
TorchMeter = pytest.importorskip("kvviz.kernels.measuring.torch_measure").TorchMeter

TOLERANCE = 0.02
LEAST = 64 * KiB  # of a peak: below it Python's numbers show
FULL = (torch.float32, torch.float64)
DTYPES = (*FULL, torch.float16, torch.bfloat16)
KERNELS = {
    "standard": ops.standard_attention,
    "blocks of 96": partial(ops.paged_attention, block_size=96),
    "tiles of 64 × 200": partial(ops.flash_attention, block_m=64, block_n=200),
    "tiles of their own": ops.flash_attention,
    "SDPA flash": partial(ops.sdpa_attention, backend="flash"),
    "SDPA math": partial(ops.sdpa_attention, backend="math"),
}
DECODES = {
    "operators": partial(ops.paged_attention_decode, backend="operators"),
    "gathered": ops.gathered_attention_decode,
}
WAYS = (eager.one_line, eager.named, eager.in_place, eager.hugging_face)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def check(kernel, *inputs, **settings):
    """Compare formula and measurement, unless there is no formula; return the formula's peak."""
    predicted = peak_bytes(kernel, *inputs, **settings)
    if predicted is not None:
        measured, _, _ = TorchMeter(torch.device("cpu")).peak(Call("", kernel, inputs, settings))
        assert measured >= LEAST
        assert predicted == pytest.approx(measured, rel=TOLERANCE)
    return predicted


def qkv(dtype, heads, kv_heads, n, keys, d, batch=1):
    sizes = ((heads, n), (kv_heads, keys), (kv_heads, keys))
    return [torch.randn(batch, count, rows, d).to(dtype) for count, rows in sizes]


def step(shape, dtype=torch.float32, shorter=0):
    arrays = shape.inputs()
    arrays[-1][0] -= shorter
    tensors = [torch.from_numpy(array) for array in arrays]
    return [x.to(dtype) if x.is_floating_point() else x for x in tensors]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_attention_holds_what_its_formula_counts(kernel, dtype, causal):
    known = check(kernel, *qkv(dtype, 4, 4, 800, 800, 64), causal=causal)
    if kernel is not KERNELS["blocks of 96"] or dtype in FULL:
        tiles = kernel in (KERNELS["tiles of 64 × 200"], KERNELS["tiles of their own"])
        tiles |= kernel is KERNELS["SDPA flash"] and peaks.may_pack()
        assert (known is None) == (tiles and dtype not in FULL)


@pytest.mark.parametrize("masks", [{}, {"causal": True}, {"causal": True, "window": 90}], ids=str)
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_heads_that_share_keys_and_fewer_queries_than_keys_are_counted(kernel, masks):
    known = check(kernel, *qkv(torch.float32, 8, 2, 300, 420, 32, batch=2), **masks)
    assert (known is None) == (kernel is KERNELS["SDPA math"])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_ways_of_writing_attention_hold_their_copies(way, dtype):
    known = check(way, *qkv(dtype, 4, 4, 1024, 1024, 64))
    closest = way is eager.in_place or (way is eager.named and peaks.may_pack())
    assert (known is None) == (closest and dtype not in FULL)


@pytest.mark.parametrize("dtype", DTYPES[2:], ids=str)
@pytest.mark.parametrize("kernel", [eager.in_place, KERNELS["blocks of 96"]])
def test_of_16_bits_that_hold_much_the_peak_is_known(kernel, dtype):
    assert check(kernel, *qkv(dtype, 2, 2, 6000, 6000, 64))
    assert check(kernel, *qkv(dtype, 2, 2, 96, 96, 64)) is None


@pytest.mark.parametrize("threads", [1, 2])
def test_every_thread_of_sdpa_has_its_tile_though_it_is_not_asked_for(threads):
    torch.set_num_threads(threads)
    assert check(ops.sdpa_attention, *qkv(torch.float32, 4, 4, 200, 1000, 64))


@pytest.mark.parametrize("window", [None, 1500])
@pytest.mark.parametrize("decode", DECODES.values(), ids=DECODES)
@pytest.mark.parametrize(
    "shape",
    [Decode(2, 5000, 64, 8, 2, 16), Decode(3, 700, 128, 8, 8, 128), Decode(3, 8192, 64, 32, 8, 16)],
)
def test_decoding_holds_what_its_formula_counts(decode, shape, window):
    assert check(decode, *step(shape, shorter=300), window=window)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_gathered_copy_is_counted_in_every_dtype(dtype):
    inputs = step(Decode(2, 3000, 64, 8, 2, 16), dtype)
    assert check(ops.gathered_attention_decode, *inputs)
    known = check(DECODES["operators"], *inputs)
    assert (known is None) == (dtype not in FULL)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_decoding_in_cpp_is_counted_with_every_threads_room(dtype, threads):
    torch.set_num_threads(threads)
    in_cpp = torch_cpp.obstacle(torch.zeros(1, dtype=dtype), *[torch.zeros(1)] * 2) is None
    for window in (None, 1500):
        inputs = step(Decode(4, 5000, 64, 32, 8, 16), dtype, shorter=300)
        known = check(ops.paged_attention_decode, *inputs, window=window)
        assert known or not in_cpp
    padded = step(Decode(4, 5000, 40, 32, 8, 16), dtype)
    assert not in_cpp or peak_bytes(ops.paged_attention_decode, *padded) is None


def test_sdpa_on_a_contiguous_cache_holds_an_output_and_tiles():
    q, keys, values = torch.randn(64, 32, 64), *torch.randn(2, 64, 8, 600, 64)
    for kernel in (ops.contiguous_attention_decode, eager.grouped_sdpa):
        assert check(kernel, q, keys, values)


def test_copies_that_matrix_instructions_want_are_not_counted_as_none(monkeypatch):
    monkeypatch.setattr(peaks, "cpu_instructions", lambda: "avx512f amx_bf16 amx_tile")
    inputs = qkv(torch.bfloat16, 4, 4, 800, 800, 64)
    assert peak_bytes(KERNELS["SDPA flash"], *inputs) is None
    assert peak_bytes(KERNELS["SDPA flash"], *(x.float() for x in inputs))


def test_no_formula_of_a_cpu_is_shown_elsewhere():
    inputs = [tensor.to("meta") for tensor in qkv(torch.float32, 2, 2, 64, 64, 16)]
    assert peak_bytes(ops.standard_attention, *inputs) is None
    assert Call("", ops.standard_attention, inputs).the_cost().peak_bytes is None


def test_kernels_without_a_formula_have_none():
    inputs = qkv(torch.float32, 2, 2, 64, 64, 16)
    turned = inputs[0].transpose(1, 2).contiguous().transpose(1, 2)
    assert peak_bytes(ops.standard_attention, turned, *inputs[1:]) is None
    assert peak_bytes(torch.add, *inputs[:2]) is None
    assert peak_bytes(lambda q, k, v: q, *inputs) is None
    assert peak_bytes(ops.sdpa_attention, *inputs, backend="efficient") is None


def test_presets_and_the_page_have_the_peaks():
    shape = Prefill(2048, 16, 4, 4)
    inputs = dict(zip("QKV", shape.inputs(), strict=True))
    exact = np.zeros_like(inputs["Q"])
    for group in presets.memory_groups(shape, inputs, exact, "cpu"):
        held = {call.name: call.the_cost().peak_bytes for call in group.calls}
        named = {"Triton flash", "SDPA flash"} if peaks.may_pack() else {"Triton flash"}
        assert all(held[name] for name in held if name not in named)
        assert held["every step named"] > 3 * group.unit_bytes
    calls = page_calls(Request("torch", 2048, 16, 4, 64), shape)
    assert all(call.the_cost().peak_bytes for call in calls)
    direct = Call("", ops.standard_attention, calls[0].args, {"causal": True})
    assert direct.the_cost() == calls[0].the_cost()
