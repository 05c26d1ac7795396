"""The attention of `kvviz.kernels` in Triton, on CUDA tensors, with the same names and shapes.

On a CPU the kernels run in Triton's interpreter, to be checked and not to be timed: set
TRITON_INTERPRET=1 before this module is imported. There bfloat16 products are not those of a GPU.
"""

from kvviz.kernels.triton.attention import (
    flash_attention,
    flash_tiles_that_fit,
    merge_attn_states,
)
from kvviz.kernels.triton.decode import SplitPlan
from kvviz.kernels.triton.paged import (
    mla_decode,
    paged_attention_decode,
    plan_decode,
    plan_mla_decode,
)
from kvviz.kernels.triton.pages import Pages, quantize

__all__ = [
    "Pages",
    "SplitPlan",
    "flash_attention",
    "flash_tiles_that_fit",
    "merge_attn_states",
    "mla_decode",
    "paged_attention_decode",
    "plan_decode",
    "plan_mla_decode",
    "quantize",
]
