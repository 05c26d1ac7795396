"""The kernels on torch tensors, on a CPU or a GPU, under the names of `kvviz.kernels`."""

from kvviz.kernels.torch.attention import (
    BACKENDS,
    flash_attention,
    merge_attn_states,
    paged_attention,
    sdpa_attention,
    softmax,
    standard_attention,
)
from kvviz.kernels.torch.flex import (
    FlexPagedDecode,
    flex_flash_attention,
    flex_paged_attention_decode,
)
from kvviz.kernels.torch.paged import (
    DECODE_BACKENDS,
    contiguous_attention_decode,
    gathered_attention_decode,
    paged_attention_decode,
    reshape_and_cache,
)

__all__ = [
    "BACKENDS",
    "DECODE_BACKENDS",
    "FlexPagedDecode",
    "contiguous_attention_decode",
    "flash_attention",
    "flex_flash_attention",
    "flex_paged_attention_decode",
    "gathered_attention_decode",
    "merge_attn_states",
    "paged_attention",
    "paged_attention_decode",
    "reshape_and_cache",
    "sdpa_attention",
    "softmax",
    "standard_attention",
]
