"""What the Triton kernels check of their tensors before they are launched."""

import os
from typing import Final

import torch

from kvviz.kernels.numpy.paged import check_pages as check_page_ids
from kvviz.kernels.numpy.shapes import check_attention_shapes, softmax_scale
from kvviz.kernels.triton.pages import Pages

DTYPES: Final = (torch.float16, torch.bfloat16, torch.float32)


def check_device(*tensors: torch.Tensor) -> None:
    """Raise unless the tensors lie on one device that Triton runs on."""
    devices = {tensor.device for tensor in tensors}
    if len(devices) > 1:
        raise ValueError(f"tensors lie on {', '.join(map(str, devices))}, expected one device")
    if not tensors[0].is_cuda and os.environ.get("TRITON_INTERPRET") != "1":
        raise RuntimeError(
            "Triton kernels need CUDA tensors, or TRITON_INTERPRET=1 in the environment before "
            "kvviz.kernels.triton.ops is imported"
        )


def check_dtypes(**tensors: torch.Tensor) -> None:
    """Raise ValueError unless the tensors have one dtype that the kernels compute in."""
    first = next(iter(tensors.values())).dtype
    for name, tensor in tensors.items():
        if tensor.dtype not in DTYPES or tensor.dtype != first:
            allowed = ", ".join(str(dtype).removeprefix("torch.") for dtype in DTYPES)
            raise ValueError(f"{name} has dtype {tensor.dtype}, expected one of {allowed} for all")


def check_attention(Q: torch.Tensor, K: torch.Tensor, V: torch.Tensor) -> None:
    """Raise ValueError unless the three are inputs of one attention."""
    check_dtypes(Q=Q, K=K, V=V)
    check_attention_shapes(Q.shape, K.shape, V.shape)
    for name, tensor in (("Q", Q), ("V", V)):
        if tensor.shape[-1] * tensor.itemsize % 16:
            raise ValueError(
                f"{name} has a head size of {tensor.shape[-1]} numbers, expected a multiple of "
                f"{16 // tensor.itemsize}, which fill 16 bytes"
            )


def check_caches(q: torch.Tensor, keys: Pages, values: Pages) -> None:
    """Raise ValueError unless the caches are of one scheme, fit the queries and can be read."""
    check_dtypes(q=q)
    for name, cache in (("k_cache", keys), ("v_cache", values)):
        plain = cache.scale is None
        if cache.numbers.dtype not in ((q.dtype,) if plain else (torch.float8_e4m3fn, torch.int8)):
            raise ValueError(
                f"{name} has dtype {cache.numbers.dtype}, expected that of q, {q.dtype}, or "
                f"quantized pages"
            )
        _check_layout(name, cache)
    scales = [None if cache.scale is None else cache.scale.ndim for cache in (keys, values)]
    if scales[0] != scales[1] or keys.numbers.dtype != values.numbers.dtype:
        raise ValueError("k_cache and v_cache are quantized differently, expected one scheme")


def _check_layout(name: str, cache: Pages) -> None:
    """Raise ValueError where the kernel would have to read what does not lie side by side."""
    if cache.numbers.ndim and cache.numbers.stride(-1) != 1 and cache.numbers.shape[-1] > 1:
        raise ValueError(
            f"{name} has numbers of a head {cache.numbers.stride(-1)} apart, expected them side by "
            f"side"
        )
    if cache.scale is not None and not cache.scale.is_contiguous():
        raise ValueError(f"{name} has scales that are not contiguous, expected contiguous ones")


def check_latents(
    q_nope: torch.Tensor,
    q_rope: torch.Tensor,
    kv_cache: torch.Tensor,
    w_uk: torch.Tensor,
    w_uv: torch.Tensor,
) -> None:
    """Raise ValueError unless these are inputs of one MLA decode step."""
    tensors = {
        "q_nope": q_nope,
        "q_rope": q_rope,
        "kv_cache": kv_cache,
        "w_uk": w_uk,
        "w_uv": w_uv,
    }
    check_dtypes(**tensors)
    fits = all(tensor.ndim == 3 for tensor in tensors.values()) and (
        q_rope.shape[:2] == q_nope.shape[:2]
        and w_uk.shape[:2] == q_nope.shape[1:]
        and w_uv.shape[::2] == w_uk.shape[::2]
        and kv_cache.shape[-1] == w_uk.shape[-1] + q_rope.shape[-1]
    )
    if not fits:
        shapes = ", ".join(f"{name} {(*tensor.shape,)}" for name, tensor in tensors.items())
        raise ValueError(f"{shapes} do not fit together")


def check_pages(block_table: torch.Tensor, seq_lens: torch.Tensor, cache: torch.Tensor) -> None:
    """Read lengths and table back; raise ValueError where they leave the cache."""
    tables = (block_table.cpu().numpy(), seq_lens.cpu().numpy())
    check_page_ids(*tables, cache.shape[0], cache.shape[1])


def positive_scale(scale: float | None, head_size: int) -> float:
    """Return the factor of the scores; the kernels find maxima before they apply it."""
    factor = softmax_scale(scale, head_size)
    if factor <= 0:
        raise ValueError(f"scale is {factor!r}, expected a number above 0")
    return factor
