"""The KV cache of a layer in vLLM: its kind, tokens per block, and bytes per page."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import lcm
from typing import Final

from kvviz.catalog.dtypes import width
from kvviz.catalog.models.model import Layer, Model
from kvviz.engines.vllm.releases import ALIGNS_STATES, GDN_CHECKPOINT, MAMBA2_CHECKPOINT
from kvviz.settings.deployment import USUAL_BLOCK
from kvviz.settings.version import Version
from kvviz.shards.cache import cache_width, holds_state, layer_kv_bytes, layer_state_values

ROPE: Final = 64  # values of MLA's rotary key
SCALE_EVERY, SCALE_BYTES = 128, 4  # fp8 latents of sparse MLA have a float32 scale per 128 values
SPARSE_BLOCK: Final = 64
WIDE_HEAD, WIDE_HEAD_BLOCK = 256, 128  # FlashAttention 4's own kernel on Blackwell
GDN_BLOCK: Final = 64  # Gated DeltaNet's checkpoints are at multiples of it
MLA_HYBRID_BLOCK: Final = 128
HOPPER, BLACKWELL = 9, 10  # major compute capabilities
IGNORE_KV_DTYPE: Final = frozenset({"falcon", "RefinedWeb"})  # a set fp8 KV dtype is ignored
SOFTCAP: Final = frozenset({"gemma2"})  # logits are capped, which that kernel cannot do
BOTH_WAYS: Final = frozenset(
    {"gemma3", "gemma4"}
)  # bidirectional attention over images: other kernels
# The state is in the config's own dtype, or float32; elsewhere it is in the model's.
OWN_STATE_DTYPE: Final = frozenset({"nemotron_h", "qwen3_5", "qwen3_5_moe"})


@dataclass(frozen=True, slots=True)
class Spec:
    """One cache of one layer.

    Args:
        kind: full_attention, mla_attention, sliding_window, chunked_local_attention or state.
        block_size: tokens per block, 0 for a state.
        page_bytes: bytes per block, with padding.
        window: most tokens attended to, None for all.
        states: pages per sequence, for a state.
    """

    kind: str
    block_size: int
    page_bytes: int
    window: int | None = None
    states: int = 0


@dataclass(frozen=True)
class CacheSettings:
    """What the specs of a model's layers depend on.

    Args:
        model: in the dtype that vLLM computes in.
        major: the GPU's major compute capability, None if it has none.
        kv_dtype: of the KV cache, or ``auto``.
        t: tensor parallel size.
        asked: tokens per block, as set.
        prefix_caching: whether prefixes are cached.
        version: of vLLM.
        dcp: decode context parallel size.
    """

    model: Model
    major: int | None
    kv_dtype: str
    t: int
    asked: int
    prefix_caching: bool
    version: Version
    dcp: int = 1

    @cached_property
    def number(self) -> int:
        """Bytes of a cached number."""
        ignored = self.model.family in IGNORE_KV_DTYPE
        return cache_width(self.model, self.model.dtype if ignored else self.kv_dtype)

    @property
    def quantized(self) -> bool:
        """Whether cached numbers are smaller than the model's own."""
        return self.number < width(self.model.dtype)

    @cached_property
    def attending(self) -> tuple[Layer, ...]:
        """The different layers that cache tokens."""
        return tuple(dict.fromkeys(layer for layer in self.model.layers if layer.cached_values))

    @cached_property
    def recurrent(self) -> tuple[Layer, ...]:
        """The different layers that hold a state."""
        return tuple(dict.fromkeys(filter(holds_state, self.model.layers)))

    @cached_property
    def kernel_block(self) -> int:
        """The smallest block that the attention kernels of this GPU support."""
        if any(layer.attention == "mla" for layer in self.attending):
            return self._mla_block()
        wide = any(layer.head_dim == WIDE_HEAD for layer in self.attending)
        plain = not self.quantized and self.model.family not in SOFTCAP | BOTH_WAYS
        flash = self.major == BLACKWELL and self.version >= GDN_CHECKPOINT and self.dcp == 1
        return WIDE_HEAD_BLOCK if wide and plain and flash else USUAL_BLOCK

    def _mla_block(self) -> int:
        if any(layer.index_bytes for layer in self.attending):
            return SPARSE_BLOCK
        if self.major == BLACKWELL:
            return 128
        return 64 if self.major == HOPPER and self.quantized else USUAL_BLOCK

    @cached_property
    def block_size(self) -> int:
        """Tokens per block in the layers that keep every token, before pages are made equal.

        In a model with states, the smallest multiple of the kernels' block whose page is at
        least as large as a state.
        """
        kernel = self.kernel_block
        block = -(-self.asked // kernel) * kernel
        state = max((self.state_bytes(layer) for layer in self.recurrent), default=0)
        token = max((self.token_bytes(layer) for layer in self.attending), default=0)
        if not state or not token:
            return block
        step = self._state_step(block)
        return max(block, -(-(step * -(-state // (step * token))) // kernel) * kernel)

    def _state_step(self, block: int) -> int:
        """Return what the block size is a multiple of in a model with states."""
        mla = any(layer.attention == "mla" for layer in self.attending)
        step = max(block, MLA_HYBRID_BLOCK) if mla else block
        delta_net = any(layer.recurrence == "gdn" for layer in self.recurrent)
        return lcm(step, GDN_BLOCK) if delta_net and self._checkpoints("gdn") else step

    def token_bytes(self, layer: Layer) -> int:
        """Return the bytes per token in a layer's cache on one GPU, without an indexer's."""
        if layer.index_bytes and self.quantized:
            latent = layer.cached_values - ROPE
            scaled = latent + latent // SCALE_EVERY * SCALE_BYTES + ROPE * width(self.model.dtype)
            return layer.cached_values if self.major == BLACKWELL else scaled
        return layer_kv_bytes(replace(layer, index_bytes=0), self.number, self.t)

    def state_bytes(self, layer: Layer) -> int:
        """Return the bytes of state per sequence in a layer on one GPU."""
        own = self.model.family in OWN_STATE_DTYPE
        dtype = self.model.state_dtype if own else self.model.dtype
        state, conv = layer_state_values(layer, self.t)
        return state * width(dtype) + conv * width(self.model.dtype)

    def _states(self, recurrence: str) -> int:
        """Return the states per sequence: with prefix caching, also one to copy from."""
        if not self.prefix_caching or self.version < ALIGNS_STATES:
            return 1
        return 3 if self._checkpoints(recurrence) else 2

    def _checkpoints(self, recurrence: str) -> bool:
        """Return whether a prefill also exports a checkpoint, which needs a third state."""
        if not self.prefix_caching:
            return False
        if recurrence == "gdn":
            flashinfer = (self.major or 0) >= HOPPER
            return flashinfer and self.version >= GDN_CHECKPOINT
        return recurrence == "mamba2" and self.version >= MAMBA2_CHECKPOINT

    def specs(self, layer: Layer) -> tuple[Spec, ...]:
        """Return the caches of a layer, before pages are made equal; none for an MLP."""
        if holds_state(layer):
            states = self._states(layer.recurrence)
            return (Spec("state", 0, self.state_bytes(layer), states=states),)
        if not layer.cached_values:
            return ()
        kind = {
            "mla": "mla_attention",
            "sliding": "sliding_window",
            "chunked": "chunked_local_attention",
        }.get(layer.attention, "full_attention")
        block = self.block_size
        found = Spec(kind, block, block * self.token_bytes(layer), layer.window)
        if not layer.index_bytes:
            return (found,)
        return found, Spec("mla_attention", block, block * layer.index_bytes)
