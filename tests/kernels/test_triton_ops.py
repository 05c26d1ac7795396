"""The Triton kernels: right in the interpreter and on a GPU, and as they compile for Hopper."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kvviz.kernels.measuring import gpu_shapes, triton_gpu  # noqa: E402
from kvviz.kernels.measuring.triton_rows import DECODE_CUTS, Device  # noqa: E402
from kvviz.kernels.triton import decode as triton_decode  # noqa: E402
from kvviz.kernels.triton import flash as triton_flash  # noqa: E402
from kvviz.kernels.triton import mla as triton_mla  # noqa: E402
from kvviz.kernels.triton.decode import decode_tile, plan_splits  # noqa: E402
from kvviz.kernels.triton.limits import NO_GPU  # noqa: E402
from kvviz.kernels.triton.pages import SCHEMES, Pages  # noqa: E402
from tests.kernels.hopper import compiled  # noqa: E402, F401

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
H200_SMS = 132


def check_kernels(**environment):
    """Run the checks of `triton_kernels.py`, in a process whose Triton has its own setting."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
    done = subprocess.run(
        [*words, HERE / "triton_kernels.py"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout


def test_every_kernel_is_right_in_the_interpreter():
    check_kernels(TRITON_INTERPRET="1")


def test_every_kernel_is_right_on_this_gpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here: the Triton kernels were run in the interpreter alone")
    check_kernels(TRITON_INTERPRET="0")


def test_without_a_gpu_the_error_says_what_to_do():
    code = (
        "import torch; from kvviz.kernels.triton.ops import flash_attention as f; "
        "x = torch.ones(16, 16); f(x, x, x)"
    )
    environment = {**os.environ, "TRITON_INTERPRET": "0"}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=600)
    assert "RuntimeError: Triton kernels need CUDA tensors, or TRITON_INTERPRET=1" in done.stderr


def empty(*shape, dtype=torch.bfloat16):
    return torch.empty(*shape, dtype=dtype, device="meta")


def int32(*shape):
    return empty(*shape, dtype=torch.int32)


def flash_cuts(d):
    """Return every cut that is tried at a head size of 16 bits, the one to use first."""
    return triton_gpu.flash_cuts(d, Device(torch.device("meta")))


# What a kernel is compiled for: the lengths and batches of the shapes make no difference but one,
# that 16 divides them, and it divides all.
KINDS = sorted({(shape.d, shape.causal) for shape in gpu_shapes.PREFILL})


@pytest.mark.parametrize(("d", "causal"), KINDS)
def test_flash_uses_the_matrix_units_and_spills_nothing(d, causal, compiled):  # noqa: F811
    for shape in gpu_shapes.PREFILL:
        if (shape.d, shape.causal) == (d, causal):
            q = empty(shape.batch, shape.heads, shape.n, d)
            triton_flash.launch(q, q, q, flash_cuts(d)[0], causal=causal, window=None, scale=0.1)
    assert compiled
    for kernel in compiled:
        assert kernel.spilled == 0
        assert kernel.ptx.count("wgmma.mma_async") > 0
        assert kernel.ptx.count("mma.sync") == 0
        assert "cp.async.bulk.tensor" in kernel.ptx
        assert kernel.shared <= NO_GPU.shared_bytes


@pytest.mark.parametrize(("d", "causal"), KINDS)
def test_every_cut_of_flash_that_is_tried_spills_nothing(d, causal, compiled):  # noqa: F811
    q = empty(2, 8, 4096, d)
    cuts = flash_cuts(d)
    for cut in cuts:
        triton_flash.launch(q, q, q, cut, causal=causal, window=None, scale=0.1)
    for kernel, cut in zip(compiled, cuts, strict=True):
        assert kernel.spilled == 0
        assert kernel.shared <= cut.shared_bytes(2 * d, 2)


def test_a_window_of_flash_spills_nothing(compiled):  # noqa: F811
    q = empty(2, 8, 4096, 128)
    for causal in (False, True):
        triton_flash.launch(q, q, q, flash_cuts(128)[0], causal=causal, window=1024, scale=0.1)
    assert {kernel.spilled for kernel in compiled} == {0}


def caches(page, scheme):
    dtype = {"fp8": torch.float8_e4m3fn, None: torch.bfloat16}.get(scheme, torch.int8)
    scale = {"int8_token_head": (512, page, 8), None: None}.get(scheme, (1,))
    numbers = empty(512, page, 8, 128, dtype=dtype)
    return Pages(numbers, None if scale is None else empty(*scale, dtype=torch.float32))


@pytest.mark.parametrize("scheme", [None, *SCHEMES])
def test_decode_fetches_ahead_and_spills_nothing(scheme, compiled):  # noqa: F811
    shapes = gpu_shapes.DECODE if scheme is None else gpu_shapes.QUANTIZED
    pages = sorted({shape.block_size for shape in shapes} | {128})
    for page in pages:
        cache = caches(page, scheme)
        tile = decode_tile(cache.numbers.dtype, 256)
        for shape in shapes:
            if shape.block_size == page or page == 128:
                table = int32(shape.batch, shape.n // page)
                plan = plan_splits(
                    [shape.n] * shape.batch, 8, tile.tokens, H200_SMS * tile.resident
                )
                q = empty(shape.batch, shape.heads, shape.d)
                triton_decode.launch(
                    q, cache, cache, table, int32(shape.batch), plan, tile, window=None, scale=0.1
                )
    attended = [kernel for kernel in compiled if kernel.name == "decode_kernel"]
    assert {kernel.name for kernel in compiled} == {"decode_kernel", "combine_kernel"}
    assert {kernel.spilled for kernel in compiled} == {0}
    assert all("cp.async.cg" in kernel.ptx and "mma.sync" in kernel.ptx for kernel in attended)
    assert all(kernel.resident >= tile.resident for kernel in attended)


@pytest.mark.parametrize("page", sorted({shape.block_size for shape in gpu_shapes.DECODE}))
def test_every_cut_of_decode_that_is_tried_spills_nothing(page, compiled):  # noqa: F811
    cache, q = caches(page, None), empty(64, 32, 128)
    for cut in DECODE_CUTS:
        tables = int32(64, 64), int32(64)
        plan = plan_splits([1024] * 64, 8, cut.tokens, H200_SMS * cut.resident)
        triton_decode.launch(q, cache, cache, *tables, plan, cut, window=None, scale=0.1)
    attended = [kernel for kernel in compiled if kernel.name == "decode_kernel"]
    assert {kernel.spilled for kernel in attended} == {0}
    for kernel, cut in zip(attended, DECODE_CUTS, strict=True):
        assert kernel.resident >= cut.resident


@pytest.mark.parametrize("heads", sorted({shape.heads for shape in gpu_shapes.LATENT}))
def test_latents_use_the_matrix_units_and_spill_nothing(heads, compiled):  # noqa: F811
    cache = empty(512, 64, gpu_shapes.MLA_RANK + gpu_shapes.MLA_ROPE)
    shared, tile = triton_mla.mla_tile(heads, cache.dtype)
    for shape in gpu_shapes.LATENT:
        if shape.heads == heads:
            plan = plan_splits(
                [shape.n] * shape.batch,
                -(-heads // shared),
                tile.tokens,
                H200_SMS * tile.resident,
            )
            q = empty(shape.batch, heads, cache.shape[-1])
            table = int32(shape.batch, shape.n // shape.block_size)
            triton_mla.launch(q, cache, table, int32(shape.batch), plan, latent=512, scale=0.1)
    assert {kernel.spilled for kernel in compiled} == {0}
    attended = [kernel for kernel in compiled if kernel.name == "mla_kernel"]
    unit = "wgmma.mma_async" if heads > 16 else "mma.sync"
    assert all(unit in kernel.ptx and kernel.resident >= tile.resident for kernel in attended)


LENGTHS = st.lists(st.integers(0, 40_000), min_size=1, max_size=40)


@given(LENGTHS, st.integers(1, 128), st.sampled_from([16, 32, 64]), st.integers(1, 600))
def test_chunks_hold_every_token_and_none_is_empty_for_all(lengths, kv_heads, tile, slots):
    plan = plan_splits(lengths, kv_heads, tile, slots)
    assert plan.chunk % tile == 0
    assert plan.chunk * plan.splits >= max(lengths)
    assert plan.chunk * (plan.splits - 1) < max(max(lengths), 1)
    assert 1 <= plan.splits <= triton_decode.MAX_SPLITS


def test_splits_follow_the_lengths_and_the_multiprocessors():
    many, few = 132 * 4, 16
    assert plan_splits([100], 8, 64, many).splits == 2  # two tiles side by side
    assert plan_splits([32_768], 8, 64, many).splits > 32
    assert plan_splits([32_768], 8, 64, few).splits == 2  # the GPU holds no more
    assert plan_splits([32_768] * 64, 8, 64, 8).splits == 1
    # One long sequence among short ones would be the last to end, so it is cut.
    assert plan_splits([32_768] + [512] * 255, 8, 64, many).splits > 8
    assert plan_splits([0, 0], 8, 64, many).splits == 1
