"""KV caches in 8 or 4 bits, dequantized page by page as they are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kvviz.kernels.numpy.shapes import Array, check_floats

E4M3_MAX: Final = 448.0
CODES: Final = 256


@dataclass(frozen=True, slots=True)
class QuantizedCache:
    """A cache of (blocks, block size, KV heads, d) numbers as codes with scales.

    Args:
        scheme: one of `SCHEMES`.
        shape: of the numbers.
        codes: uint8 or int8 with the shape of the numbers; int4 packs two channels a byte.
        scale: float32, broadcasts against the numbers.
        lowest: float32 like `scale`, the number of code 0; None where codes are signed.
    """

    scheme: str
    shape: tuple[int, ...]
    codes: NDArray[Any]
    scale: NDArray[np.float32]
    lowest: NDArray[np.float32] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of codes and scales."""
        scales = (self.scale, self.lowest)
        return self.codes.nbytes + sum(part.nbytes for part in scales if part is not None)

    def load(self, ids: Array, out: Array) -> None:
        """Dequantize the pages `ids` into `out` (pages, block size, KV heads, d)."""
        codes = self.codes[ids]
        if self.scheme == "fp8":
            np.take(E4M3.astype(out.dtype), codes, out=out, mode="clip")
        elif self.scheme == "int4":
            out[..., 0::2], out[..., 1::2] = codes & 15, codes >> 4
        else:
            out[...] = codes
        out *= _of_pages(self.scale, ids)
        if self.lowest is not None:
            out += _of_pages(self.lowest, ids)

    def dequantize(self) -> NDArray[np.float32]:
        """Return all numbers, (blocks, block size, KV heads, d)."""
        numbers = np.empty(self.shape, np.float32)
        self.load(np.arange(self.shape[0]), numbers)
        return numbers


def quantize(cache: Array, scheme: str) -> QuantizedCache:
    """Return a cache of (blocks, block size, KV heads, d) floats in fewer bits.

    - ``fp8``: e4m3 with one scale for the tensor (Micikevicius et al., "FP8 Formats for Deep
      Learning", 2022); the largest number becomes 448.
    - ``int8``: one scale for the tensor.
    - ``int8_token_head``: a scale for every token and head.
    - ``int4``: a scale and a lowest number for every channel of a page, meant for keys, whose
      outliers stay in few channels (Liu et al., "KIVI", 2024); d must be even.

    Raises:
        ValueError: an unknown scheme, a wrong shape or dtype, numbers that are not finite.
    """
    check_floats("cache", cache)
    if scheme not in SCHEMES:
        raise ValueError(f"scheme is {scheme!r}, expected one of {', '.join(SCHEMES)}")
    if cache.ndim != 4:
        raise ValueError(f"cache has shape {cache.shape}, expected (blocks, block size, heads, d)")
    if not np.isfinite(cache).all():
        raise ValueError("cache holds numbers that are not finite, expected finite ones")
    return SCHEMES[scheme](cache.astype(np.float32, copy=False))


def _fp8(cache: NDArray[np.float32]) -> QuantizedCache:
    scale = _scale(cache, None, E4M3_MAX)
    return QuantizedCache("fp8", cache.shape, e4m3_codes(cache / scale), scale)


def _int8(
    cache: NDArray[np.float32], axis: int | None = None, name: str = "int8"
) -> QuantizedCache:
    scale = _scale(cache, axis, 127)
    return QuantizedCache(name, cache.shape, np.rint(cache / scale).astype(np.int8), scale)


def _int8_token_head(cache: NDArray[np.float32]) -> QuantizedCache:
    return _int8(cache, -1, "int8_token_head")


def _int4(cache: NDArray[np.float32]) -> QuantizedCache:
    if cache.shape[-1] % 2:
        raise ValueError(f"cache has {cache.shape[-1]} channels, expected an even number for int4")
    lowest = cache.min(axis=1, keepdims=True)  # (blocks, 1, heads, d)
    scale = (cache.max(axis=1, keepdims=True) - lowest) / 15
    scale[scale == 0] = 1
    codes = np.rint((cache - lowest) / scale).astype(np.uint8)
    return QuantizedCache(
        "int4", cache.shape, codes[..., 0::2] | codes[..., 1::2] << 4, scale, lowest
    )


SCHEMES: Final[dict[str, Callable[[NDArray[np.float32]], QuantizedCache]]] = {
    "fp8": _fp8,
    "int8": _int8,
    "int8_token_head": _int8_token_head,
    "int4": _int4,
}


def e4m3_codes(numbers: Array) -> NDArray[np.uint8]:
    """Return numbers as e4m3 codes, rounded to nearest, ties to even, saturating at 448."""
    size = np.minimum(np.abs(numbers), E4M3_MAX)
    # 3 bits of fraction from 2^-6 on, the same step below it (subnormals).
    _, exponent = np.frexp(size)
    step = np.ldexp(np.float32(1), np.maximum(exponent - 4, -9))
    codes: NDArray[np.uint8] = np.searchsorted(E4M3[:127], np.rint(size / step) * step).astype(
        np.uint8
    )
    codes[np.signbit(numbers)] |= 128
    return codes


def _e4m3() -> NDArray[np.float32]:
    """Return the number of every code: sign, 4 bits of exponent, 3 of fraction; 127 is NaN."""
    codes = np.arange(CODES // 2)
    exponent, fraction = codes >> 3, codes & 7
    normal = np.ldexp(1 + fraction / 8, exponent - 7)
    numbers = np.where(exponent == 0, np.ldexp(fraction / 8, -6), normal)
    numbers[-1] = np.nan
    return np.concatenate([numbers, -numbers]).astype(np.float32)


E4M3: Final = _e4m3()


def _scale(cache: NDArray[np.float32], axis: int | None, largest: float) -> NDArray[np.float32]:
    """Return what maps the largest size along `axis`, or of all, to `largest`."""
    sizes = np.abs(cache).max(axis=axis, keepdims=True, initial=0)
    return np.where(sizes == 0, 1, sizes / np.float32(largest)).astype(np.float32)


def _of_pages(scale: NDArray[np.float32], ids: Array) -> NDArray[np.float32]:
    return scale[ids] if scale.shape[0] > 1 else scale
