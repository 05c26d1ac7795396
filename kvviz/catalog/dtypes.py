"""How many bytes numbers take: plain dtypes and block-quantized ones with their scales."""

from typing import Final

# Bits per number, then the group that shares one scale and that scale's bytes. int4: one fp16 scale
# per group of 128 (AWQ and GPTQ's usual size), of 64 or 32, or a row (int4ch, whose scales are next
# to nothing); mxfp4: one 8-bit exponent per 32 (OCP MX v1.0);
# nvfp4: one fp8 scale per 16; nf4: bitsandbytes' 8-bit scale per 64, itself quantized (QLoRA,
# arXiv 2305.14314); bnb4: the same in fp32, not quantized; mlx4: two 16-bit numbers per 64.
_FORMATS: Final[dict[str, tuple[int, int, int]]] = {
    "fp32": (32, 0, 0),
    "bf16": (16, 0, 0),
    "fp16": (16, 0, 0),
    "fp8": (8, 0, 0),
    "int8": (8, 0, 0),
    "int4": (4, 128, 2),
    "int4g64": (4, 64, 2),
    "int4g32": (4, 32, 2),
    "int4ch": (4, 0, 0),
    "mxfp4": (4, 32, 1),
    "nvfp4": (4, 16, 1),
    "nf4": (4, 64, 1),
    "bnb4": (4, 64, 4),
    "mlx4": (4, 64, 4),
}

DTYPES: Final = ("fp32", "bf16", "fp16", "fp8", "int8", "int4", "mxfp4")
CACHE_DTYPES: Final = ("bf16", "fp16", "fp32", "fp8", "int8")


def storage_bytes(count: int, dtype: str) -> int:
    """Return the bytes that `count` numbers of `dtype` take, group scales included.

    Raises:
        KeyError: `dtype` is not known.
    """
    bits, group, scale = _FORMATS[dtype]
    scales = -(-count // group) * scale if group else 0
    return -(-count * bits // 8) + scales


def width(dtype: str) -> int:
    """Return the bytes of one number of an unquantized or 8-bit `dtype`."""
    return _FORMATS[dtype][0] // 8
