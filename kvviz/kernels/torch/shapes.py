"""What the kernels on torch tensors check, and how their heads are folded."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from kvviz.kernels.numpy.paged import check_decode_shapes, check_pages
from kvviz.kernels.numpy.shapes import check_attention_shapes, softmax_scale
from kvviz.kernels.numpy.visibility import Visibility

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class Folded(NamedTuple):
    """Inputs with all leading axes in one, and query heads stacked over the KV head they share.

    Args:
        q: (batch · KV heads, group · n, d).
        k: (batch · KV heads, keys, d).
        v: (batch · KV heads, keys, d of V).
        group: query heads a KV head.
        scale: factor of the scores.
        shape: the output's.
    """

    q: Tensor
    k: Tensor
    v: Tensor
    group: int
    scale: float
    shape: tuple[int, ...]


def folded(Q: Tensor, K: Tensor, V: Tensor, scale: float | None) -> Folded:
    """Check the inputs (..., heads, n, d) or (n, d) of attention, and fold their heads.

    Raises:
        ValueError: shapes or dtypes that do not fit together.
    """
    check_inputs(Q, K, V)
    kv_heads = math.prod(K.shape[:-2])
    group = math.prod(Q.shape[:-2]) // kv_heads
    q = Q.reshape(kv_heads, group * Q.shape[-2], Q.shape[-1])
    k, v = (array.reshape(kv_heads, *array.shape[-2:]) for array in (K, V))
    shape = (*Q.shape[:-1], V.shape[-1])
    return Folded(q, k, v, group, softmax_scale(scale, Q.shape[-1]), shape)


def check_inputs(Q: Tensor, K: Tensor, V: Tensor) -> None:
    """Raise ValueError unless the three are inputs of one attention on one device."""
    for name, tensor in (("Q", Q), ("K", K), ("V", V)):
        check_floats(name, tensor)
        if tensor.dtype != Q.dtype or tensor.device != Q.device:
            raise ValueError(
                f"{name} is {tensor.dtype} on {tensor.device}, expected {Q.dtype} on {Q.device}"
            )
    check_attention_shapes(Q.shape, K.shape, V.shape)


def check_decode(
    q: Tensor, k_cache: Tensor, v_cache: Tensor, block_table: Tensor, seq_lens: Tensor
) -> None:
    """Raise ValueError unless these are inputs of one decode step.

    On a GPU the tables' contents are trusted: reading them back would stall it.
    """
    check_floats("q", q)
    for name, cache in (("k_cache", k_cache), ("v_cache", v_cache)):
        if cache.dtype != q.dtype or cache.device != q.device:
            raise ValueError(
                f"{name} is {cache.dtype} on {cache.device}, expected {q.dtype} on {q.device}"
            )
    check_decode_shapes(*(x.shape for x in (q, k_cache, v_cache, block_table, seq_lens)))
    if q.device.type == "cpu":
        check_pages(block_table.numpy(), seq_lens.numpy(), k_cache.shape[0], k_cache.shape[1])


def check_floats(name: str, tensor: Tensor) -> None:
    """Raise ValueError unless `tensor` is a torch tensor of a floating dtype."""
    if not isinstance(tensor, Tensor):
        raise ValueError(f"{name} is a {type(tensor).__name__}, expected a torch tensor")
    if tensor.dtype not in FLOATS:
        raise ValueError(f"{name} has dtype {tensor.dtype}, expected a floating one")


def visible(seen: Visibility, device: torch.device, rows: slice | None = None) -> Tensor | None:
    """Return which keys queries may see, (rows, keys) bool, or None where all see all."""
    if not seen.causal and seen.window is None:
        return None
    block = rows or slice(0, seen.queries)
    # Compared, not subtracted: distances would take eight bytes per score.
    key = torch.arange(seen.keys, device=device)
    place = torch.arange(block.start, block.stop, device=device)[:, None] + seen.keys - seen.queries
    if seen.window is None:
        return key <= place
    last = place if seen.causal else place + seen.window - 1
    return (key > place - seen.window) & (key <= last)
