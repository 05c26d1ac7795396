"""Random inputs of the shapes that are measured, the same for every kernel and device."""

from typing import Any, Final, NamedTuple

import numpy as np

from kvviz.kernels.numpy.shapes import Array

PREFILL: Final = ("Q", "K", "V")
DECODE: Final = ("q", "k_cache", "v_cache", "block_table", "seq_lens")
OUTLIERS: Final = 4  # channels of the keys that are ten times as large, as in real models (KIVI)


class Prefill(NamedTuple):
    """The sizes of a prefill: one sequence, as many keys as queries."""

    n: int
    d: int
    heads: int
    kv_heads: int

    def __str__(self) -> str:
        """Spell the sizes as a heading."""
        heads = "1 head" if self.heads == 1 else f"{self.heads} heads"
        shared = heads if self.heads == self.kv_heads else f"{heads} on {self.kv_heads}"
        return f"n {self.n:,}, {shared}, d {self.d}"

    def inputs(self, dtype: Any = np.float32, seed: int = 0) -> tuple[Array, Array, Array]:
        """Return Q (heads, n, d) and K, V (KV heads, n, d), standard normal."""
        rng = np.random.default_rng(seed)
        shapes = [(heads, self.n, self.d) for heads in (self.heads, self.kv_heads, self.kv_heads)]
        q, k, v = (rng.standard_normal(shape, np.float32).astype(dtype) for shape in shapes)
        return q, k, v


class Decode(NamedTuple):
    """The sizes of a decode step over scattered pages."""

    batch: int
    n: int
    d: int
    heads: int
    kv_heads: int
    block_size: int

    def __str__(self) -> str:
        """Spell the sizes as a heading."""
        heads = f"{self.heads} heads on {self.kv_heads}"
        return f"batch {self.batch}, n {self.n:,}, {heads}, d {self.d}, pages of {self.block_size}"

    def inputs(self, seed: int = 0, outliers: bool = False) -> tuple[Array, ...]:
        """Return q, the two caches, the block table and the lengths, float32.

        With `outliers` four channels of the keys are ten times as large and the queries' smaller,
        as found in trained models.
        """
        rng = np.random.default_rng(seed)
        pages = -(-self.n // self.block_size)
        shape = (self.batch * pages, self.block_size, self.kv_heads, self.d)
        k_cache, v_cache = (rng.standard_normal(shape, np.float32) for _ in range(2))
        q = rng.standard_normal((self.batch, self.heads, self.d), np.float32)
        if outliers:
            k_cache[..., :OUTLIERS] *= 10
            q[..., :OUTLIERS] *= 0.3
        table = rng.permutation(self.batch * pages).astype(np.int32).reshape(self.batch, pages)
        return q, k_cache, v_cache, table, np.full(self.batch, self.n, np.int32)
