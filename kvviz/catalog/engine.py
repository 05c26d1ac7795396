"""What a serving engine takes besides weights and KV cache: assumed values with their sources."""

from dataclasses import dataclass
from typing import Final

VLLM_LOGS: Final = (
    "start-up logs of vLLM 0.19.0 on H100, 8,192 batched tokens "
    "(github.com/jgchn/llm-d-planner, accuracy results)"
)
NON_TORCH_GIB: Final = 0.25  # one GPU
NON_TORCH_PARALLEL_GIB: Final = 2.1  # with NCCL, at tensor parallel 2 and 4
# The logits of the profiling step dominate the activation peak, so it follows the vocabulary: a
# least-squares line through seven dense bf16 models of 100,352 to 262,208 entries, each within 4%.
ACTIVATION_GIB: Final = 0.0624
ACTIVATION_GIB_PER_100K_VOCAB: Final = 1.4243
CUDA_GRAPHS_GIB: Final = 0.0  # 0.19 captures its graphs after the KV cache has its share


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that was neither computed nor measured here.

    Args:
        name: what it is.
        gib: its value in GiB.
        source: where it comes from, or that the user set it.
    """

    name: str
    gib: float
    source: str


def activation_gib(vocab_size: int) -> float:
    """Return the assumed activation peak in GiB of vLLM 0.19 for a vocabulary."""
    return ACTIVATION_GIB + ACTIVATION_GIB_PER_100K_VOCAB * vocab_size / 100_000


def non_torch_gib(gpus: int) -> float:
    """Return the assumed memory in GiB that CUDA and NCCL take outside the allocator."""
    return NON_TORCH_GIB if gpus == 1 else NON_TORCH_PARALLEL_GIB
