"""Bytes and shares, and their spelling: GiB = 2^30 B for memory, GB = 10^9 B for bandwidth."""

from math import floor
from typing import Final

KiB: Final = 1024
MiB: Final = 1024**2
GiB: Final = 1024**3
GB: Final = 10**9
EXACT: Final = 1e-12  # nearer than this, sums of shares do not tell two of them apart
SPACE: Final = "\N{NO-BREAK SPACE}"
TURNED: Final = str.maketrans("<>", "><")


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


def share(part: float, digits: int = 1) -> str:
    """Spell a fraction, as in ``99.8%``: 0% and 100% only where it is exactly that.

    What would round to 0% or 100% is shown by the last step before it, as in ``< 0.1%`` and
    ``> 99.9%``; a half is rounded away from zero.
    """
    bound, steps = _steps(abs(part), 100 * 10**digits)
    sign = "-" if part < 0 and steps else ""
    if sign:
        bound = bound.translate(TURNED)
    return f"{bound}{sign}{steps / 10**digits:,.{digits}f}%"


def change(part: float, digits: int = 1) -> str:
    """Spell a difference as a share, as in ``+2.5%``, by the rule of `share`."""
    bound, size = share(part, digits).rpartition(SPACE)[::2]
    plus = "" if size.startswith("-") else "+"
    return f"{bound}{SPACE if bound else ''}{plus}{size}"


def _steps(size: float, whole: int) -> tuple[str, int]:
    """Return a share in steps of which `whole` are all, and the sign of the side it lies on."""
    steps = floor(size * whole + 0.5)
    if steps == 0 and size >= EXACT:
        return f"<{SPACE}", 1
    if steps == whole and abs(size - 1) >= EXACT:
        return f">{SPACE}", whole - (size < 1)
    return "", steps


def _short(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")
