"""Shares of a GPU's peak rates that steps are assumed to reach, until they are measured."""

from typing import Final

SOURCE: Final = "matrix-product profiles of Vidur, arXiv 2405.05465"
MFU: Final = 0.70  # of the peak FLOP/s, products of 512 tokens and more: 0.64 to 0.77
MBU: Final = 0.75  # of the bandwidth, steps of 64 tokens and fewer: 0.63 to 0.89
# Equal compute and memory terms take 1.35 x as long as either alone.
KNEE: Final = 2.3
