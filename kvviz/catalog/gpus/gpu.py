"""A GPU as memory sees it: its capacity, where its bytes sit, and the rates that move them."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from kvviz.units import GiB, MiB

SiteKind = Literal["stack", "chip", "unified"]

# What the driver's figure exceeds CUDA's by where CUDA's was not seen: H100's 79.65 - 79.19 GiB.
ASSUMED_CUDA_GAP: Final = round(0.46 * GiB)

# By the beginning of the architecture's name, the longest that fits (NVIDIA, "CUDA GPUs").
COMPUTE_CAPABILITIES: Final[dict[str, tuple[int, int]]] = {
    "Volta": (7, 0),
    "Turing": (7, 5),
    "Ampere": (8, 6),
    "Ampere (GA100)": (8, 0),
    "Ada": (8, 9),
    "Hopper": (9, 0),
    "Blackwell": (10, 0),
    "Blackwell Ultra": (10, 3),
    "Blackwell (GB202)": (12, 0),
}

# Vendor families, sockets and sizes that a heading has no room for.
_LONG_PARTS: Final = re.compile(
    r"\b(?:GeForce|Instinct|Apple|Blackwell|SXM\d?|PCIe|\d+GB)\b|\(per GPU\)"
)


@dataclass(frozen=True, slots=True)
class Gpu:
    """One accelerator's facts; a field named in ``unverified`` is not confirmed by its source.

    Args:
        name: catalog name, such as ``H100 SXM5 80GB``.
        vendor: who makes it.
        architecture: the vendor's name for the generation, and the die's where it is known.
        memory_type: such as ``HBM3`` or ``GDDR6X``.
        memory_gb: the vendor's figure, in the vendor's GB.
        reported_mib: what the driver reports, in MiB.
        cuda_total_bytes: the device total as CUDA reports it, None where no reading is known.
        sites: places for memory on the package or the board.
        active_sites: those of them that hold memory in use.
        site_kind: ``stack`` (HBM), ``chip`` (GDDR) or ``unified`` (shared with the CPU).
        gb_per_site: the vendor's GB of one active site, before any is set aside.
        bandwidth_gb_s: memory bandwidth in 10^9 B/s.
        l2_mb: the last cache that all of a die's cores share (on-die SRAM on a Gaudi).
        sm_count: streaming multiprocessors, compute units or their like.
        sram_kb_per_sm: on-chip memory of one of those.
        fp16_tflops: dense 16-bit matrix rate in 10^12 FLOP/s.
        fp8_tflops: dense 8-bit float matrix rate, None where there is none.
        fp32_tflops: vector rate in 32 bits.
        link_gb_s: links to other GPUs, both directions together; 0 where it has none.
        tdp_w: power limit in watts.
        form_factor: such as ``SXM5`` or ``PCIe``.
        year: of its launch.
        dies: base dies a floorplan draws (compute dies stacked on them are not counted).
        source: where the facts come from.
        unverified: names of fields that are derived, conflicting or assumed.
        notes: what the reader should know.
    """

    name: str
    vendor: str
    architecture: str
    memory_type: str
    memory_gb: int
    reported_mib: int
    cuda_total_bytes: int | None
    sites: int
    active_sites: int
    site_kind: SiteKind
    gb_per_site: int
    bandwidth_gb_s: float
    l2_mb: float | None
    sm_count: int | None
    sram_kb_per_sm: int | None
    fp16_tflops: float | None
    fp8_tflops: float | None
    fp32_tflops: float | None
    link_gb_s: float | None
    tdp_w: int | None
    form_factor: str
    year: int
    dies: int
    source: str
    unverified: frozenset[str]
    notes: str

    @property
    def reported_bytes(self) -> int:
        """Bytes as the driver reports them."""
        return self.reported_mib * MiB

    @property
    def cuda_bytes(self) -> int:
        """Bytes as CUDA reports them; an assumption where ``cuda_total_assumed``."""
        if self.cuda_total_bytes is not None:
            return self.cuda_total_bytes
        return self.reported_bytes - ASSUMED_CUDA_GAP

    @property
    def compute_capability(self) -> tuple[int, int] | None:
        """CUDA's compute capability, None where the GPU is not NVIDIA's."""
        return _compute_capability(self.architecture)

    @property
    def cuda_total_assumed(self) -> bool:
        """Whether ``cuda_bytes`` is assumed rather than read from a device."""
        return self.cuda_total_bytes is None

    @property
    def short_name(self) -> str:
        """The name for tight places, as in ``H100`` or ``RTX 4090``; several GPUs may share it."""
        return " ".join(_LONG_PARTS.sub("", self.name).split())

    def peak_flops(self, dtype: str) -> float | None:
        """Return the dense rate of products in ``dtype`` in FLOP/s, None where it is not known.

        A GPU without an fp8 rate computes fp8 values at its 16-bit rate.

        Raises:
            ValueError: ``dtype`` is no dtype that products are computed in.
        """
        rates = {
            "fp8": self.fp8_tflops if self.fp8_tflops is not None else self.fp16_tflops,
            "bf16": self.fp16_tflops,
            "fp16": self.fp16_tflops,
            "fp32": self.fp32_tflops,
        }
        if dtype not in rates:
            raise ValueError(f"no peak rate for {dtype!r}: expected one of {', '.join(rates)}")
        rate = rates[dtype]
        return None if rate is None else rate * 1e12


@lru_cache(maxsize=256)
def _compute_capability(architecture: str) -> tuple[int, int] | None:
    known = [name for name in COMPUTE_CAPABILITIES if architecture.startswith(name)]
    return COMPUTE_CAPABILITIES[max(known, key=len)] if known else None
