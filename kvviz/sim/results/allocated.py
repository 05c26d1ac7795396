"""The sequences of a recorded run once more, in the simulation's regions and pages."""

from collections.abc import Sequence
from typing import NamedTuple

from kvviz.catalog.measured.memory import AllocatorRecording
from kvviz.sim.cache.regions import FirstFit


class Simulated(NamedTuple):
    """Bytes at one step of a run.

    Args:
        step: of the run.
        regions: of contiguous regions of each sequence's final length.
        span: of addresses from the first to the last that a region ever took, holes included.
        pages: of pages taken on demand.
    """

    step: int
    regions: int
    span: int
    pages: int


def simulated(recording: AllocatorRecording, steps: Sequence[int]) -> list[Simulated]:
    """Return what both ways to keep the caches take at the given steps.

    Regions are those of the policy "exact": reserved whole at a sequence's first step, first fit,
    and given back after its last.
    """
    sizes = [steps * recording.step_bytes for _, steps in recording.sequences]
    space, starts = FirstFit(sum(sizes)), dict[int, int]()
    span, found = 0, []
    for step in range(max(steps, default=-1) + 1):
        _let_go(recording, step, sizes, starts, space)
        for number, (first, _) in enumerate(recording.sequences):
            if first == step and (start := space.take(sizes[number])) is not None:
                starts[number] = start
                span = max(span, start + sizes[number])
        if step in steps:
            held = sum(sizes[number] for number in starts)
            found.append(Simulated(step, held, span, _pages(recording, step)))
    return found


def _let_go(
    recording: AllocatorRecording,
    step: int,
    sizes: Sequence[int],
    starts: dict[int, int],
    space: FirstFit,
) -> None:
    ended = [number for number in starts if sum(recording.sequences[number]) == step]
    for number in ended:
        space.release(starts.pop(number), sizes[number])


def _pages(recording: AllocatorRecording, step: int) -> int:
    page = recording.page_bytes
    return sum(-(-held // page) * page for held in recording.held(step))
