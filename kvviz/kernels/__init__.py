"""Attention that really runs, in NumPy; `torch.ops` and `triton.ops` have the same names."""

from kvviz.kernels.numpy.blocked import (
    block_prefix_attention,
    dynamic_block_size,
    local_block_attention,
    paged_attention,
    paged_blocks,
)
from kvviz.kernels.numpy.flash import (
    FlashTile,
    flash_attention,
    flash_tiles,
    merge_attn_states,
    varlen_attention,
)
from kvviz.kernels.numpy.mla import mla_decode
from kvviz.kernels.numpy.paged import (
    gathered_attention_decode,
    paged_attention_decode,
    reshape_and_cache,
)
from kvviz.kernels.numpy.quantize import QuantizedCache, quantize
from kvviz.kernels.numpy.standard import softmax, standard_attention

__all__ = [
    "FlashTile",
    "QuantizedCache",
    "block_prefix_attention",
    "dynamic_block_size",
    "flash_attention",
    "flash_tiles",
    "gathered_attention_decode",
    "local_block_attention",
    "merge_attn_states",
    "mla_decode",
    "paged_attention",
    "paged_attention_decode",
    "paged_blocks",
    "quantize",
    "reshape_and_cache",
    "softmax",
    "standard_attention",
    "varlen_attention",
]
