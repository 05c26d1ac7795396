"""What every kernel checks of its inputs, and how query heads share a KV head."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = Sequence[int]
FLOATS: Final = ("float16", "float32", "float64")


@dataclass(frozen=True, slots=True)
class Grouped:
    """Inputs with the query heads beside the KV head they share, in the dtype of the arithmetic.

    Args:
        q: (..., KV heads, group, n, d).
        k: (..., KV heads, 1, keys, d).
        v: (..., KV heads, 1, keys, d of V).
        shape: the output's, (..., heads, n, d of V) or (n, d of V).
        dtype: the output's.
        scale: factor of the scores.
    """

    q: Array
    k: Array
    v: Array
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float

    def head(self, index: tuple[int, ...]) -> tuple[Array, Array, Array]:
        """Return one query head's q (n, d), k (keys, d) and v (keys, d of V)."""
        *batch, head = index or (0,)
        kv_head, member = divmod(head, self.q.shape[-3])
        shared = (*batch, kv_head, 0)
        return self.q[(*batch, kv_head, member)], self.k[shared], self.v[shared]

    def output(self, values: Array) -> Array:
        """Return `values` (..., KV heads, group, n, d of V) in the caller's shape and dtype."""
        return values.reshape(self.shape).astype(self.dtype, copy=False)


def grouped(Q: Array, K: Array, V: Array, scale: float | None) -> Grouped:
    """Check the three inputs of attention and fold their heads into groups.

    Args:
        Q: (..., heads, n, d) or (n, d).
        K: (..., KV heads, keys, d) or (keys, d); KV heads divide heads.
        V: (..., KV heads, keys, d of V) or (keys, d of V).
        scale: factor of the scores, None for 1 / sqrt(d).

    Raises:
        ValueError: shapes or dtypes that do not fit together.
    """
    check_inputs(Q, K, V)
    factor = softmax_scale(scale, Q.shape[-1])
    if Q.ndim == 2:
        q, k, v = Q[None, None], K[None, None], V[None, None]
    else:
        heads, kv_heads = Q.shape[-3], K.shape[-3]
        q = Q.reshape(*Q.shape[:-3], kv_heads, heads // kv_heads, *Q.shape[-2:])
        k, v = K[..., None, :, :], V[..., None, :, :]
    inner = arithmetic(Q.dtype)
    q, k, v = (array.astype(inner, copy=False) for array in (q, k, v))
    return Grouped(q, k, v, (*Q.shape[:-1], V.shape[-1]), Q.dtype, factor)


def check_inputs(Q: Array, K: Array, V: Array) -> None:
    """Raise ValueError unless the three are inputs of one attention."""
    for name, array in (("Q", Q), ("K", K), ("V", V)):
        check_floats(name, array)
    if not Q.dtype == K.dtype == V.dtype:
        raise ValueError(f"Q, K and V have dtypes {Q.dtype}, {K.dtype} and {V.dtype}, expected one")
    check_attention_shapes(Q.shape, K.shape, V.shape)


def check_attention_shapes(Q: Shape, K: Shape, V: Shape) -> None:
    """Raise ValueError unless the shapes are those of one attention, in whichever library."""
    shapes = f"Q, K and V have shapes {(*Q,)}, {(*K,)} and {(*V,)}"
    if min(len(Q), len(K), len(V)) < 2:
        raise ValueError(f"{shapes}, expected (..., heads, n, d)")
    if K[:-1] != V[:-1] or len(Q) != len(K) or Q[:-3] != K[:-3]:
        raise ValueError(f"{shapes}, expected the same leading axes")
    if Q[-1] != K[-1] or not Q[-1] or not V[-1]:
        raise ValueError(f"Q and K have head sizes {Q[-1]} and {K[-1]}, expected one")
    if len(Q) > 2:
        check_heads(Q[-3], K[-3])


def check_state_shapes(out_a: Shape, lse_a: Shape, out_b: Shape, lse_b: Shape) -> None:
    """Raise ValueError unless two outputs and their log-sum-exps can be merged."""
    if out_a != out_b or not lse_a == lse_b == out_a[:-1]:
        shapes = ", ".join(str((*shape,)) for shape in (out_a, lse_a, out_b, lse_b))
        raise ValueError(f"outputs and log-sum-exps have shapes {shapes}, expected (..., d), (...)")


def check_heads(heads: int, kv_heads: int) -> None:
    """Raise ValueError unless every KV head serves the same number of query heads."""
    if not kv_heads or not heads or heads % kv_heads:
        raise ValueError(f"{heads} query heads do not share {kv_heads} KV heads evenly")


def check_floats(name: str, array: Array) -> None:
    """Raise ValueError unless `array` is a NumPy array of a floating dtype."""
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{name} is a {type(array).__name__}, expected a NumPy array")
    if array.dtype.name not in FLOATS:
        raise ValueError(f"{name} has dtype {array.dtype}, expected one of {', '.join(FLOATS)}")


def check_count(name: str, value: Any, least: int = 1) -> int:
    """Return `value` as an int of at least `least`, or raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} is {value!r}, expected a whole number of at least {least}")
    return int(value)


def softmax_scale(scale: float | None, head_size: int) -> float:
    """Return the factor of the scores, 1 / sqrt(d) unless given."""
    if scale is None:
        return float(head_size**-0.5)
    if not np.isfinite(scale):
        raise ValueError(f"scale is {scale!r}, expected a finite number")
    return float(scale)


def arithmetic(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which a kernel computes: float32 for float16, else the inputs'."""
    return np.promote_types(dtype, np.float32)


def slices(start: int, stop: int, size: int) -> Iterator[slice]:
    """Yield [start, stop) in slices of `size`, the last one shorter."""
    for first in range(start, stop, size):
        yield slice(first, min(first + size, stop))
