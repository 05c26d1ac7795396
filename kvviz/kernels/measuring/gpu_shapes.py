"""The shapes that attention on a GPU is measured at, those of the kernels' papers."""

from typing import Final, NamedTuple

from kvviz.kernels.measuring.inputs import Decode

TOKENS: Final = 16_384  # of all sequences together, as in FlashAttention-2, section 4.1
HIDDEN: Final = 2048  # heads · d, as there
MLA_RANK, MLA_ROPE = 512, 64  # DeepSeek-V3's


class Filled(NamedTuple):
    """A prefill of 16,384 tokens in all, in sequences of `n`, with 2,048 / d heads."""

    n: int
    d: int
    causal: bool

    @property
    def batch(self) -> int:
        """Sequences."""
        return TOKENS // self.n

    @property
    def heads(self) -> int:
        """Heads, of queries and of keys."""
        return HIDDEN // self.d

    @property
    def flops(self) -> int:
        """Floating point operations; causal ones count half, as the papers do."""
        whole = 4 * self.batch * self.heads * self.n**2 * self.d
        return whole // 2 if self.causal else whole

    def __str__(self) -> str:
        """Spell the sizes as a heading."""
        mask = "causal" if self.causal else "full"
        return f"{self.batch} × n {self.n:,}, {self.heads} heads, d {self.d}, {mask}"


class Latent(NamedTuple):
    """One new token of each of `batch` sequences over DeepSeek-V3's latents."""

    batch: int
    n: int
    heads: int
    block_size: int = 64

    def __str__(self) -> str:
        """Spell the sizes as a heading."""
        sizes = f"batch {self.batch}, n {self.n:,}, {self.heads} heads on one latent"
        return f"{sizes} of {MLA_RANK} + {MLA_ROPE}, pages of {self.block_size}"


PREFILL: Final = tuple(
    Filled(n, d, causal)
    for d in (64, 128)
    for causal in (False, True)
    for n in (512, 1024, 2048, 4096, 8192, 16_384)
)
DECODE: Final = tuple(
    Decode(batch, n, 128, 32, 8, block_size)
    for block_size in (16, 64)
    for batch in (1, 8, 64)
    for n in (1024, 8192, 32_768)
)
LATENT: Final = tuple(
    Latent(batch, n, heads) for heads in (16, 128) for batch, n in ((1, 32_768), (64, 8192))
)
QUANTIZED: Final = tuple(Decode(64, 8192, 128, 32, 8, block_size) for block_size in (16, 64))
MEMORY: Final = (1024, 2048, 4096, 8192)  # n; batch 1, 8 heads, d 64
