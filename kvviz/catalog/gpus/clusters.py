"""How a chip groups its compute units, where that is published: NVIDIA's GPCs, AMD's XCDs."""

from dataclasses import dataclass
from typing import Final

from kvviz.catalog.gpus.gpu import Gpu


@dataclass(frozen=True, slots=True)
class Clusters:
    """The groups of a whole chip; a product has some of their units, or groups, switched off.

    Args:
        name: what the vendor calls a group.
        number: groups of the chip.
        units: compute units in one of them.
        active: groups in use.
        together: units that are switched off together, two to a TPC.
        source: where it is said.
    """

    name: str
    number: int
    units: int
    active: int
    together: int
    source: str

    def shares(self, count: int) -> list[int]:
        """Share the `count` units of a product out among the groups, evenly: shape (number,).

        Which units are off differs from chip to chip.
        """
        sets = count // self.together
        used = [len(range(i, sets, self.active)) * self.together for i in range(self.active)]
        return used + [0] * (self.number - self.active)


def _gpcs(number: int, units: int, active: int, source: str) -> Clusters:
    return Clusters("GPCs", number, units, active, 2, f"NVIDIA, {source} whitepaper")


_HOPPER: Final = _gpcs(8, 18, 8, "H100 Tensor Core GPU Architecture")
_XCDS: Final = "AMD, {} architecture whitepaper"
# By architecture and units in use, since products of one chip differ. Left out are those whose
# number of groups in use is not published.
_KNOWN: Final = {
    ("Volta", 80): _gpcs(6, 14, 6, "Tesla V100 GPU Architecture"),
    ("Ampere (GA100)", 108): _gpcs(8, 16, 7, "A100 Tensor Core GPU Architecture"),
    ("Ampere (GA102)", 82): _gpcs(7, 12, 7, "Ampere GA102 GPU Architecture"),
    ("Ada (AD102)", 128): _gpcs(12, 12, 11, "Ada GPU Architecture"),
    ("Ada (AD102)", 142): _gpcs(12, 12, 12, "Ada GPU Architecture"),
    ("Ada (AD104)", 58): _gpcs(5, 12, 5, "Ada GPU Architecture"),
    ("Blackwell (GB202)", 170): _gpcs(12, 16, 11, "RTX Blackwell GPU Architecture"),
    ("Blackwell (GB202)", 188): _gpcs(12, 16, 12, "RTX Blackwell GPU Architecture"),
    ("Hopper (GH100)", 132): _HOPPER,
    ("Hopper (GH100) + Grace", 132): _HOPPER,
    ("CDNA3", 304): Clusters("XCDs", 8, 40, 8, 1, _XCDS.format("CDNA 3")),
    ("CDNA4", 256): Clusters("XCDs", 8, 36, 8, 1, _XCDS.format("CDNA 4")),
}


def clusters(gpu: Gpu) -> Clusters | None:
    """Return how the chip of `gpu` groups its units, None where that is not known."""
    return _KNOWN.get((gpu.architecture, gpu.sm_count or 0))
