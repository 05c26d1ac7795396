"""One new token per sequence over a paged KV cache, and what it is compared with."""

from kvviz.kernels.kernel import Backend, Kernel, Row
from kvviz.kernels.numpy import cost
from kvviz.kernels.numpy.mla import mla_decode
from kvviz.kernels.numpy.paged import gathered_attention_decode, paged_attention_decode

TORCH, TRITON = "kvviz.kernels.torch", "kvviz.kernels.triton"
SDPA = ("flash", "cudnn", "efficient")  # its backends on a GPU

KERNELS = (
    Kernel(
        name="paged_decode",
        label="Paged decode",
        note="reads a KV cache where its blocks lie",
        task="decode",
        backends=(
            Backend("numpy", paged_attention_decode, rows=(Row("decode", "NumPy paged"),)),
            Backend(
                "torch",
                f"{TORCH}.paged:paged_attention_decode",
                rows=(
                    Row("decode", "torch paged, C++", {"backend": "cpp"}),
                    Row("decode", "torch paged tiles", {"backend": "operators"}),
                ),
                peak=f"{TORCH}.decode_peaks:paged",
            ),
            Backend(
                "triton",
                f"{TRITON}.paged:paged_attention_decode",
                rows=(Row("gpu decode", "Triton"), Row("gpu quant", "Triton")),
            ),
        ),
        cost=cost.decode,
        order=90,
    ),
    Kernel(
        name="gathered_decode",
        label="Gather, then attend",
        note="copies all blocks side by side first",
        task="decode",
        backends=(
            Backend("numpy", gathered_attention_decode, rows=(Row("decode", "NumPy gather"),)),
            Backend(
                "torch",
                f"{TORCH}.paged:gathered_attention_decode",
                rows=(Row("decode", "torch gather, then SDPA"),),
                peak=f"{TORCH}.decode_peaks:gathered",
            ),
        ),
        cost=lambda inputs: cost.decode(inputs, gathered=True),
        order=91,
    ),
    Kernel(
        name="flex_decode",
        label="FlexAttention over pages",
        note="PyTorch's own paged helper, compiled",
        task="decode",
        backends=(
            Backend(
                "torch",
                f"{TORCH}.flex:FlexPagedDecode.__call__",
                rows=(
                    Row("decode", "torch FlexAttention, paged"),
                    Row("gpu decode", "FlexAttention, paged"),
                ),
                arguments=f"{TORCH}.flex:with_pages",
            ),
        ),
        order=92,
    ),
    Kernel(
        name="contiguous_decode",
        label="SDPA without pages",
        note="over a contiguous cache: nothing to look up, nothing to copy",
        task="decode",
        backends=(
            Backend(
                "torch",
                f"{TORCH}.eager:grouped_sdpa",
                rows=(Row("decode", "torch SDPA, contiguous"),),
                arguments=f"{TORCH}.eager:without_pages",
                peak=f"{TORCH}.decode_peaks:grouped",
            ),
            Backend(
                "torch",
                f"{TORCH}.paged:contiguous_attention_decode",
                rows=(Row("decode", "torch SDPA, contiguous, heads folded"),),
                arguments=f"{TORCH}.eager:without_pages",
                peak=f"{TORCH}.decode_peaks:contiguous",
            ),
            Backend(
                "torch",
                f"{TORCH}.attention:sdpa_attention",
                rows=tuple(
                    Row("gpu decode", f"SDPA {backend.upper()}, contiguous", {"backend": backend})
                    for backend in SDPA
                ),
                arguments=f"{TORCH}.eager:one_query_a_head",
            ),
        ),
        order=93,
    ),
    Kernel(
        name="mla_decode",
        label="MLA decode",
        note="all heads over one latent, absorbed",
        task="latent",
        backends=(
            Backend("numpy", mla_decode),
            Backend(
                "triton",
                f"{TRITON}.paged:mla_decode",
                rows=(Row("gpu decode", "Triton"),),
            ),
        ),
        order=95,
    ),
)
