"""PyTorch's own attention: scaled_dot_product_attention by backend, and FlexAttention."""

from kvviz.kernels.kernel import Backend, Kernel, Row
from kvviz.kernels.torch import peaks

FLASH, MATH = {"backend": "flash"}, {"backend": "math"}

KERNELS = (
    Kernel(
        name="sdpa",
        label="SDPA",
        note="scaled_dot_product_attention",
        task="prefill",
        backends=(
            Backend(
                "torch",
                "kvviz.kernels.torch.attention:sdpa_attention",
                rows=(
                    Row("prefill", "torch SDPA flash", FLASH),
                    Row("memory", "SDPA math", MATH),
                    Row("memory", "SDPA math, causal", MATH | {"causal": True}),
                    Row("memory", "SDPA flash", FLASH),
                    *(
                        Row("gpu prefill", f"SDPA {backend.upper()}", {"backend": backend})
                        for backend in ("flash", "cudnn", "efficient")
                    ),
                ),
                peak=peaks.sdpa,
            ),
        ),
        order=70,
    ),
    Kernel(
        name="flex",
        label="FlexAttention",
        note="flex_attention, compiled",
        task="prefill",
        backends=(
            Backend(
                "torch",
                "kvviz.kernels.torch.flex:flex_flash_attention",
                rows=(Row("prefill", "torch FlexAttention"),),
            ),
            Backend(
                "torch",
                "kvviz.kernels.torch.flex:flex_masked_attention",
                rows=(Row("gpu prefill", "FlexAttention"),),
                arguments="kvviz.kernels.torch.flex:with_mask",
            ),
        ),
        order=71,
    ),
)
