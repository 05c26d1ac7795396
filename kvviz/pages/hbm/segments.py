"""Pictures of an allocator: its bytes over a run, and its segments as bars of blocks."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Final

from kvviz.catalog.measured.memory import AllocatorNote
from kvviz.units import gib

WIDE, HIGH = 354, 96  # px
BAR, GAP = 12, 4  # px of a row of segments, and between two
ROWS: Final = 8  # of the most that was ever held
STRIPE: Final = 3  # px of one of the eight colours
LEAST: Final = 0.4  # px of a block that is still drawn


def areas(name: str, notes: Sequence[AllocatorNote], simulated: Sequence[int], top: int) -> str:
    """Return bytes over the steps: held of the GPU, in tensors and of tokens, each over the next.

    Args:
        name: of the picture, a word.
        notes: of the allocator, by step.
        simulated: bytes at the same steps, a dashed line.
        top: bytes at the upper edge.
    """
    steps = [note.step for note in notes]
    reserved, allocated, used = (
        _line(steps, [getattr(note, what) for note in notes], top)
        for what in ("reserved", "allocated", "used")
    )
    ground = f"{WIDE},{HIGH} 0,{HIGH}"
    told = (
        f"Memory reserved by PyTorch over {notes[-1].step + 1} steps, at most "
        f"{gib(max(note.reserved for note in notes))}; simulated, at most {gib(max(simulated))}."
    )
    return _svg(
        HIGH,
        told,
        _stripes(f"{name}-areas"),
        f'<polygon class="free" points="{reserved} {ground}"/>',
        f'<polygon class="reserved" points="{allocated} {ground}"/>',
        f'<polygon fill="url(#{name}-areas)" points="{used} {ground}"/>',
        f'<polyline class="edge" points="{reserved}"/>',
        f'<polyline class="simulated" points="{_line(steps, simulated, top)}"/>',
    )


def bars(name: str, note: AllocatorNote, top: int) -> str:
    """Return every segment as a bar of its blocks, as long as it is large, wrapped like text.

    Args:
        name: of the picture, a word.
        note: of the allocator.
        top: bytes of the most that was ever held, which fill all rows.
    """
    a_byte = WIDE * ROWS / top
    at, drawn = 0.0, [_stripes(f"{name}-bars")]
    for blocks in note.segments:
        start = at
        for _, count, held in blocks:
            fill = f'fill="url(#{name}-bars)"' if held else 'class="free"'
            drawn += _wrapped(at, at + count * a_byte, fill)
            at += count * a_byte
        drawn += _wrapped(start, at, 'class="segment"')
    free = sum(count for blocks in note.segments for _, count, held in blocks if not held)
    told = f"{len(note.segments)} segments, {gib(note.reserved)} in all, of which {gib(free)} free."
    return _svg(ceil(at / WIDE) * (BAR + GAP), told, *drawn)


def _line(steps: Sequence[int], values: Sequence[int], top: int) -> str:
    span = max(steps[-1] - steps[0], 1)
    points = zip(steps, values, strict=True)
    return " ".join(
        f"{(step - steps[0]) / span * WIDE:.1f},{HIGH - 1 - value / top * (HIGH - 2):.1f}"
        for step, value in points
    )


def _wrapped(start: float, end: float, how: str) -> Iterator[str]:
    """Yield the rectangles of [start, end) px of one long bar that is broken into rows."""
    while end - start > LEAST:
        line = int(start // WIDE)
        stop = min(end, (line + 1) * WIDE)
        x, y = start - line * WIDE, line * (BAR + GAP) + GAP / 2
        yield f'<rect {how} x="{x:.1f}" y="{y:.0f}" width="{stop - start:.1f}" height="{BAR}"/>'
        start = stop


def _stripes(name: str) -> str:
    """Return the eight colours of sequences as a pattern: a cache is never of one colour."""
    stripes = "".join(
        f'<rect x="{STRIPE * i}" width="{STRIPE}" height="{STRIPE}" style="fill: var(--seq{i})"/>'
        for i in range(8)
    )
    return (
        f'<pattern id="{name}" width="{8 * STRIPE}" height="{STRIPE}" '
        f'patternUnits="userSpaceOnUse">{stripes}</pattern>'
    )


def _svg(high: int, told: str, *parts: Iterable[str] | str) -> str:
    drawn = "".join(map(str, parts))
    return (
        f'<svg class="allocator" viewBox="0 0 {WIDE} {high}" role="img" aria-label="{told}">'
        f"{drawn}</svg>"
    )
