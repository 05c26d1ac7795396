"""KV caches as the Triton kernels read them: floats, or 8 bits with scales."""

from typing import Final, NamedTuple

import torch

E4M3_MAX: Final = 448.0
INT8_MAX: Final = 127.0
SCHEMES: Final = ("fp8", "int8", "int8_token_head")


class Pages(NamedTuple):
    """A cache of keys or values on the device.

    Args:
        numbers: (blocks, block size, KV heads, d), the queries' dtype, float8_e4m3fn or int8.
        scale: float32 that the numbers are multiplied by, (1,) or (blocks, block size, KV heads);
            None for a cache in the queries' dtype.
    """

    numbers: torch.Tensor
    scale: torch.Tensor | None = None


def quantize(cache: torch.Tensor, scheme: str) -> Pages:
    """Return a cache of (blocks, block size, KV heads, d) floats in 8 bits, on its device.

    The schemes of `kvviz.kernels.numpy.quantize`: ``fp8`` (e4m3) and ``int8`` with one scale for
    the tensor, ``int8_token_head`` with one for every token and head.

    Raises:
        ValueError: an unknown scheme, a wrong shape.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme is {scheme!r}, expected one of {', '.join(SCHEMES)}")
    if cache.ndim != 4:
        shape = (*cache.shape,)
        raise ValueError(f"cache has shape {shape}, expected (blocks, block size, heads, d)")
    sizes = cache.float().abs()
    if scheme == "int8_token_head":
        scale = _nonzero(sizes.amax(dim=-1) / INT8_MAX)  # (blocks, block size, KV heads)
        return Pages((cache.float() / scale[..., None]).round().to(torch.int8), scale)
    largest = E4M3_MAX if scheme == "fp8" else INT8_MAX
    scale = _nonzero(sizes.amax().reshape(1) / largest)
    numbers = cache.float() / scale
    if scheme == "fp8":
        return Pages(numbers.to(torch.float8_e4m3fn), scale)
    return Pages(numbers.round().to(torch.int8), scale)


def _nonzero(scale: torch.Tensor) -> torch.Tensor:
    return torch.where(scale == 0, 1.0, scale)
