"""MFU and MBU of a GPU: assumed, or fitted to a run on that GPU."""

from dataclasses import dataclass
from typing import Final

SOURCE: Final = "matrix-product profiles of Vidur, arXiv 2405.05465"
MFU: Final = 0.70  # of the peak FLOP/s, products of 512 tokens and more: 0.64 to 0.77
MBU: Final = 0.75  # of the bandwidth, steps of 64 tokens and fewer: 0.63 to 0.89
# Equal compute and memory terms take 1.35 x as long as either alone.
KNEE: Final = 2.3
LINK: Final = 0.75  # of a link's rate, as of the memory's: assumed
PCIE_GB_S: Final = 64.0  # PCIe 4.0 x16, both directions, for cards without a link of their own


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What steps reach on a GPU.

    Args:
        mfu: fraction of peak FLOP/s.
        mbu: fraction of the memory bandwidth.
        overhead_s: extra seconds per step.
        kind: assumed, or measured where a run on that GPU was fitted.
        source: where the figures come from.
    """

    mfu: float = MFU
    mbu: float = MBU
    overhead_s: float = 0.0
    kind: str = "assumed"
    source: str = SOURCE


# Fitted per GPU, never per model: mean errors of TTFT, TPOT, ends of requests and makespan of one
# run of 300 ShareGPT requests, Llama-3.1-8B, vLLM 0.19.0 (github.com/casys-kaist/LLMServingSim,
# bench/examples, MIT).
_RUN: Final = (
    "fitted to a run of Llama-3.1-8B with vLLM 0.19.0: LLMServingSim, bench/examples; gives its "
    "mean TTFT, TPOT and makespan within 2 %; not compared with another model on this GPU"
)
FITTED: Final = {
    "GeForce RTX 4090": Efficiency(0.89, 0.85, 0.001, "measured", _RUN),
    "RTX PRO 6000 Blackwell": Efficiency(0.655, 0.74, 0.0029, "measured", _RUN),
}


def efficiency_of(gpu: str) -> Efficiency:
    """Return a GPU's fitted rates, by its catalog name, or the assumed ones."""
    return FITTED.get(gpu, Efficiency())
