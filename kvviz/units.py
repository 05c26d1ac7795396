"""Bytes and their spelling: GiB = 2^30 B for memory, GB = 10^9 B for bandwidth and vendor names."""

from typing import Final

KiB: Final = 1024
MiB: Final = 1024**2
GiB: Final = 1024**3
GB: Final = 10**9


def gib(count: float, digits: int = 2) -> str:
    """Spell bytes in GiB, as in ``14.96 GiB``."""
    return f"{count / GiB:,.{digits}f} GiB"


def size(count: float) -> str:
    """Spell bytes in the largest binary unit that leaves at least one whole, as in ``2 MiB``.

    At most three significant decimals appear, and none where the value is whole.
    """
    for unit, name in ((GiB, "GiB"), (MiB, "MiB"), (KiB, "KiB")):
        if abs(count) >= unit:
            return f"{_short(count / unit)} {name}"
    return f"{_short(count)} B"


def _short(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")
