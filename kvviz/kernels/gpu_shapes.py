"""The shapes that attention on a GPU is measured at, those of the kernels' papers."""

from dataclasses import dataclass
from typing import Final

TOKENS: Final = 16_384  # of all sequences together, as in FlashAttention-2, section 4.1
HIDDEN: Final = 2048  # heads · d, as there
MLA_RANK, MLA_ROPE = 512, 64  # DeepSeek-V3's


@dataclass(frozen=True, slots=True)
class Prefill:
    """Attention of whole sequences to themselves: 16,384 tokens in sequences of `n`."""

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
        mask = "causal" if self.causal else "full"
        return f"n {self.n}, d {self.d}, {mask}"


@dataclass(frozen=True, slots=True)
class Decode:
    """One new token of each of `batch` sequences, the shape of Llama-3-8B's attention."""

    batch: int
    context: int
    page: int
    heads: int = 32
    kv_heads: int = 8
    d: int = 128

    @property
    def kv_bytes(self) -> int:
        """Bytes of keys and values in 16 bits."""
        return 2 * 2 * self.batch * self.context * self.kv_heads * self.d

    def __str__(self) -> str:
        return f"batch {self.batch}, context {self.context}, page {self.page}"


@dataclass(frozen=True, slots=True)
class Latent:
    """One new token of each of `batch` sequences over DeepSeek-V3's latents."""

    batch: int
    context: int
    heads: int
    page: int = 64

    @property
    def kv_bytes(self) -> int:
        """Bytes of the latents in 16 bits."""
        return 2 * self.batch * self.context * (MLA_RANK + MLA_ROPE)

    def __str__(self) -> str:
        return f"MLA, batch {self.batch}, context {self.context}, {self.heads} heads"


PREFILL: Final = tuple(
    Prefill(n, d, causal)
    for d in (64, 128)
    for causal in (False, True)
    for n in (512, 1024, 2048, 4096, 8192, 16_384)
)
DECODE: Final = tuple(
    Decode(batch, context, page)
    for page in (16, 64)
    for batch in (1, 8, 64)
    for context in (1024, 8192, 32_768)
)
LATENT: Final = tuple(
    Latent(batch, context, heads)
    for heads in (16, 128)
    for batch, context in ((1, 32_768), (64, 8192))
)
QUANTIZED: Final = (Decode(64, 8192, 16), Decode(64, 8192, 64))
KV_SCHEMES: Final = ("fp8", "int8", "int8_token_head")
