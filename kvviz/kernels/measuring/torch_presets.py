"""The torch rows of the presets: on a CPU beside NumPy, and what they hold on any device."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kvviz.kernels.measuring.group import Group
from kvviz.kernels.measuring.inputs import Decode, Prefill
from kvviz.kernels.measuring.machine import Rates
from kvviz.kernels.measuring.measure import Call, Performance
from kvviz.kernels.measuring.torch_measure import torch_rates
from kvviz.kernels.numpy.cost import Cost, decode, fused, sizes
from kvviz.kernels.numpy.shapes import Array
from kvviz.kernels.torch import cpp as torch_cpp
from kvviz.kernels.torch import eager as torch_eager
from kvviz.kernels.torch import ops
from kvviz.kernels.torch.peaks import peak_bytes
from kvviz.units import MiB

TRITON = "kvviz.kernels.triton.ops"
PAGED = "torch paged, C++"
TILES = "torch paged tiles"
GROUPED = "torch SDPA, contiguous"
FOLDED = "torch SDPA, contiguous, heads folded"
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def prefill_group(
    shape: Prefill, inputs: tuple[Array, ...], exact: Array | None, device: str, dtype: str
) -> Group:
    """Return torch's kernels on one prefill."""
    q, k, v = (tensor[None] for tensor in tensors(inputs, device, dtype))
    expected = None if exact is None else exact[None]
    kernels: dict[str, Callable[..., Any]] = {
        "torch eager": ops.standard_attention,
        "torch SDPA flash": partial(ops.sdpa_attention, backend="flash"),
        "torch FlexAttention": ops.flex_flash_attention,
    }
    cost = fused(sizes({"Q": q, "K": k, "V": v}))
    calls = [
        Call(name, kernel, (q, k, v), cost=_held(cost, kernel, q, k, v), reference=expected)
        for name, kernel in kernels.items()
        if _runs(kernel, q, k, v)
    ]
    return Group(f"Prefill, {shape}, {dtype}, torch", calls, rates(q))


def decode_group(
    shape: Decode, inputs: tuple[Array, ...], exact: Array | None, device: str, dtype: str
) -> Group:
    """Return torch's kernels on one decode step, SDPA on a contiguous cache beside them."""
    step = q, k_cache, v_cache, table, lengths = tensors(inputs, device, dtype)
    flex = ops.FlexPagedDecode(table, lengths, k_cache.shape[0], shape.block_size)
    keys, values = (contiguous(cache, table) for cache in (k_cache, v_cache))
    kernels: dict[str, tuple[Callable[..., Any], tuple[Tensor, ...]]] = {
        PAGED: (partial(ops.paged_attention_decode, backend="cpp"), step),
        TILES: (partial(ops.paged_attention_decode, backend="operators"), step),
        "torch gather, then SDPA": (ops.gathered_attention_decode, step),
        "torch FlexAttention, paged": (flex, (q, k_cache, v_cache)),
        GROUPED: (torch_eager.grouped_sdpa, (q, keys, values)),
        FOLDED: (ops.contiguous_attention_decode, (q, keys, values)),
    }
    names = ("q", "k_cache", "v_cache", "block_table", "seq_lens")
    cost = decode(dict(zip(names, step, strict=True)), fused=True)
    calls = [
        Call(name, kernel, arguments, cost=_held(cost, kernel, *arguments), reference=exact)
        for name, (kernel, arguments) in kernels.items()
        if _runs(kernel, *arguments)
    ]
    obstacle = torch_cpp.obstacle(q, k_cache, v_cache)
    notes = partial(_decode_notes, obstacle=obstacle)
    return Group(f"Decode, {shape}, {dtype}, torch", calls, rates(q), notes=notes)


def _decode_notes(results: Mapping[str, Performance], obstacle: str | None) -> list[str]:
    others = {
        FOLDED: "SDPA on a contiguous cache with the heads of a KV head as its queries",
        GROUPED: "SDPA there with enable_gqa",
        "torch gather, then SDPA": "gathering the pages first",
    }
    return [
        f"{told} {_times(results, paged, others)}; {results[paged].peak_bytes / MiB:.1f} MiB held."
        for paged, told in {
            PAGED: "Pages read where they lie, in C++, take",
            TILES: "Pages copied into tiles, for torch's operators, take",
        }.items()
        if paged in results
    ] + ([f"{PAGED}, is left out: {obstacle}."] if obstacle else [])


def _times(results: Mapping[str, Performance], name: str, others: Mapping[str, str]) -> str:
    seconds = results[name].seconds_median
    return ", ".join(
        f"{seconds / results[other].seconds_median:.2f} × the time of {spelled}"
        for other, spelled in others.items()
        if other in results
    )


def memory_groups(
    shape: Prefill,
    inputs: tuple[Array, ...],
    exact: Array,
    device: str,
    rates: Rates | None = None,
) -> Iterator[Group]:
    """Return what usual ways to write attention hold at their peak, in each dtype.

    With the device's rates each has the time that no kernel can do less in beside its own.
    """
    for dtype in DTYPES:
        q, k, v = (tensor[None] for tensor in tensors(inputs, device, dtype))
        kernels: dict[str, Callable[..., Any]] = {
            "one line": torch_eager.one_line,
            "every step named": torch_eager.named,
            "all in place": torch_eager.in_place,
            "Hugging Face eager (fp32 softmax)": torch_eager.hugging_face,
            "SDPA math": partial(ops.sdpa_attention, backend="math"),
            "SDPA math, causal": partial(ops.sdpa_attention, backend="math", causal=True),
            "SDPA flash": partial(ops.sdpa_attention, backend="flash"),
        }
        if find_spec("triton"):
            kernels["Triton flash"] = import_module(TRITON).flash_attention
        calls = [
            _peak_call(name, kernel, (q, k, v), exact)
            for name, kernel in kernels.items()
            if _runs(kernel, q, k, v)
        ]
        one = shape.heads * shape.n**2 * q.itemsize
        title = f"Peak in copies of the scores, {shape}, {dtype}, torch"
        facts = {"part": "memory", "n": shape.n, "dtype": dtype}
        yield Group(title, calls, rates, unit_bytes=one, facts=facts)


def _peak_call(
    name: str, kernel: Callable[..., Any], inputs: tuple[Tensor, ...], exact: Array
) -> Call:
    causal = "causal" in name
    cost = fused(sizes({**dict(zip("QKV", inputs, strict=True)), "causal": causal}))
    expected = None if causal else exact[None]
    return Call(name, kernel, inputs, cost=_held(cost, kernel, *inputs), reference=expected)


def page_calls(
    inputs: tuple[Array, ...], exact: Array, device: str, dtype: str, block: int
) -> dict[str, Call]:
    """Return the page's three kernels, causal, by the name it has for them.

    Flash is SDPA's, on a GPU the Triton kernel where there is one.
    """
    q, k, v = (tensor[None] for tensor in tensors(inputs, device, dtype))
    flash: Callable[..., Any] = partial(ops.sdpa_attention, backend="flash")
    if device == "cuda" and find_spec("triton"):
        flash = import_module(TRITON).flash_attention
    named = {"Q": q, "K": k, "V": v, "causal": True}
    masked, cost, expected = {"causal": True}, fused(sizes(named)), exact[None]
    kernels: dict[str, tuple[str, Callable[..., Any], tuple[Any, ...]]] = {
        "standard": ("Standard", ops.standard_attention, (q, k, v)),
        "paged": ("Paged", ops.paged_attention, (q, k, v, block)),
        "flash": ("Flash tiles", flash, (q, k, v)),
    }
    return {
        key: Call(name, kernel, given, masked, _held(cost, kernel, *given, **masked), expected)
        for key, (name, kernel, given) in kernels.items()
    }


def _held(cost: Cost, kernel: Callable[..., Any], *inputs: Any, **settings: Any) -> Cost:
    """Return a cost with what the kernel holds at its peak, where a formula tells it."""
    return replace(cost, peak_bytes=peak_bytes(kernel, *inputs, **settings))


def tensors(arrays: tuple[Array, ...], device: str, dtype: str) -> tuple[Tensor, ...]:
    """Return NumPy arrays as tensors, floats in `dtype`."""
    made = (torch.from_numpy(array).to(device) for array in arrays)
    return tuple(x.to(DTYPES[dtype]) if x.is_floating_point() else x for x in made)


def rates(like: Tensor) -> Rates:
    """Measure the device of a tensor in its dtype."""
    return torch_rates(like.device, like.dtype)


def contiguous(cache: Tensor, table: Tensor) -> Tensor:
    """Return a paged cache as (batch, KV heads, tokens, d) without pages.

    On a CPU in NumPy's memory as the paged one: NumPy asks Linux for huge pages, torch does not,
    and reading takes a few percent longer without.
    """
    pages = cache[table.long()]  # (batch, pages, block size, KV heads, d)
    tokens = pages.flatten(1, 2).transpose(1, 2)
    if cache.device.type == "cpu" and cache.dtype == torch.float32:
        return torch.from_numpy(np.ascontiguousarray(tokens.numpy()))
    return tokens.contiguous()


def _runs(kernel: Callable[..., Any], *arguments: Tensor) -> bool:
    """Whether a kernel runs here: backends differ by device, and compiling needs a compiler."""
    try:
        with torch.no_grad():
            kernel(*arguments)
    except (ValueError, RuntimeError):
        return False
    return True
