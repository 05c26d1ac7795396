"""Which formula tells the peak of a call on torch tensors, for kernels on a CPU that have one."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType
from typing import Any, Final

import torch
from torch import Tensor

from kvviz.kernels.numpy.cost import Sizes, sizes
from kvviz.kernels.numpy.visibility import Visibility
from kvviz.kernels.torch import cost as torch_cost
from kvviz.kernels.torch import cpp as torch_cpp
from kvviz.kernels.torch import eager as torch_eager
from kvviz.kernels.torch import ops

Inputs = Mapping[str, Any]


def peak_bytes(kernel: Callable[..., Any], *args: Any, **kwargs: Any) -> int | None:
    """Return the most bytes that a call which runs holds at once above its inputs, output included.

    None where there is no formula: other kernels, tensors on a GPU, whose allocator rounds and
    whose libraries take workspaces of their own, and tensors that may be copied to lie contiguous.
    """
    while isinstance(kernel, partial):
        args, kwargs, kernel = (*kernel.args, *args), kernel.keywords | kwargs, kernel.func
    if not isinstance(kernel, FunctionType) or kernel not in PEAKS:
        return None
    bound = inspect.signature(kernel).bind(*args, **kwargs)
    bound.apply_defaults()
    given = [value for value in bound.arguments.values() if isinstance(value, Tensor)]
    if all(tensor.is_contiguous() and tensor.device.type == "cpu" for tensor in given):
        return PEAKS[kernel](bound.arguments)
    return None


def _sdpa(inputs: Inputs) -> int | None:
    backend = inputs["backend"]
    if backend == "math":
        return torch_cost.sdpa_math(sizes(inputs))
    if backend in ("flash", None):  # what it chooses where it can
        return torch_cost.sdpa_flash(sizes(inputs), torch.get_num_threads())
    return None


def _paged(inputs: Inputs) -> int | None:
    step = (inputs[name] for name in ("q", "k_cache", "v_cache"))
    if inputs["backend"] == "operators" or torch_cpp.obstacle(*step):
        return torch_cost.decode_tiles(inputs)
    return torch_cost.decode_in_cpp(inputs, torch.get_num_threads())


def _gathered(inputs: Inputs) -> int | None:
    return torch_cost.gathered(inputs, torch.get_num_threads())


def _contiguous(inputs: Inputs) -> int | None:
    """Without lengths: with them there is a mask besides."""
    if inputs["seq_lens"] is not None:
        return None
    _, kv_heads, tokens, width = inputs["values"].shape
    threads = torch.get_num_threads()
    return torch_cost.contiguous(inputs["q"], kv_heads, tokens, width, threads)


def _grouped(inputs: Inputs) -> int | None:
    q, (_, kv_heads, tokens, width) = inputs["q"], inputs["values"].shape
    heads, kv = len(q) * q.shape[1], len(q) * kv_heads
    s = Sizes(heads, kv, 1, tokens, q.shape[-1], width, q.itemsize, Visibility(1, tokens))
    return torch_cost.sdpa_flash(s, torch.get_num_threads())


def _way(formula: Callable[[Sizes, int], int | None]) -> Callable[[Inputs], int | None]:
    return lambda i: formula(
        sizes({"Q": i["q"], "K": i["k"], "V": i["v"]}), torch.get_num_threads()
    )


def _blocks(inputs: Inputs) -> int | None:
    return torch_cost.blocks(sizes(inputs), inputs["block_size"], torch.get_num_threads())


PEAKS: Final[dict[Callable[..., Any], Callable[[Inputs], int | None]]] = {
    ops.standard_attention: lambda i: torch_cost.standard(sizes(i), torch.get_num_threads()),
    ops.paged_attention: _blocks,
    ops.flash_attention: lambda i: torch_cost.tiles(sizes(i), i["block_m"], i["block_n"]),
    ops.sdpa_attention: _sdpa,
    ops.paged_attention_decode: _paged,
    ops.gathered_attention_decode: _gathered,
    ops.contiguous_attention_decode: _contiguous,
    torch_eager.grouped_sdpa: _grouped,
    torch_eager.one_line: _way(torch_cost.one_line),
    torch_eager.named: _way(torch_cost.named),
    torch_eager.in_place: _way(torch_cost.in_place),
    torch_eager.hugging_face: _way(torch_cost.hugging_face),
}
