"""Attention that really runs, in NumPy; `torch_ops` and `triton_ops` have the same names."""

from kvviz.kernels.blocked import (
    block_prefix_attention,
    dynamic_block_size,
    local_block_attention,
    paged_attention,
    paged_blocks,
)
from kvviz.kernels.flash import (
    FlashTile,
    flash_attention,
    flash_tiles,
    merge_attn_states,
    varlen_attention,
)
from kvviz.kernels.mla import mla_decode
from kvviz.kernels.paged import (
    gathered_attention_decode,
    paged_attention_decode,
    reshape_and_cache,
)
from kvviz.kernels.quantize import QuantizedCache, quantize
from kvviz.kernels.standard import softmax, standard_attention

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
