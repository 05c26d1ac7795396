"""What PyTorch's allocator really held while caches grew, beside a simulation of the same run."""

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

from kvviz.catalog.measured.memory import AllocatorNote, AllocatorRecording, allocator_recording
from kvviz.pages.hbm.segments import areas, bars
from kvviz.pages.kit.html import chip, many, row, text_card
from kvviz.settings.scenario import Scenario
from kvviz.sim.results.allocated import Simulated, simulated
from kvviz.units import gib, size


class Run(NamedTuple):
    """One way to keep the caches.

    Args:
        title: of its card.
        name: of its pictures, a word.
        notes: of the allocator.
        simulated: bytes of GPU memory at the same steps, as simulated.
        how: what was simulated.
    """

    title: str
    name: str
    notes: tuple[AllocatorNote, ...]
    simulated: Sequence[int]
    how: str


LEGEND: Final = (
    (chip("kv"), "cached tokens"),
    (chip("reserved"), "allocated, no token yet"),
    (chip("free"), "reserved by PyTorch, free"),
    ('<i class="dashed" aria-hidden="true"></i>', "simulated"),
)


def allocator_cards(scenario: Scenario) -> list[str]:
    """Return the cards of the chosen GPU's allocator recording, or none without one."""
    found = allocator_recording(scenario.the_gpu)
    if found is None or not (found.contiguous and found.paged):
        return []
    top = max(note.reserved for note in (*found.contiguous, *found.paged))
    return [_intro(found), *(_card(run, found, top) for run in _runs(found))]


def _runs(found: AllocatorRecording) -> tuple[Run, Run]:
    contiguous, paged = (_played(found, notes) for notes in (found.contiguous, found.paged))
    return (
        Run(
            *("One growing tensor per sequence", "contiguous", found.contiguous),
            *([each.span for each in contiguous], "regions of final length, first fit"),
        ),
        Run(
            *("Blocks of one shared pool", "paged", found.paged),
            *([each.pages for each in paged], "blocks on demand"),
        ),
    )


def _played(found: AllocatorRecording, notes: tuple[AllocatorNote, ...]) -> list[Simulated]:
    return simulated(found, [note.step for note in notes])


def _intro(found: AllocatorRecording) -> str:
    lines = "".join(row(f"{mark} {what}", "") for mark, what in LEGEND)
    return text_card(
        "A real allocator",
        f"<p>PyTorch’s segments and blocks while {many(len(found.sequences), 'sequence')} "
        f"grew and finished: {escape(found.source)}.</p>",
        f'<div class="rows">{lines}</div>',
        kind="measured",
    )


def _card(run: Run, found: AllocatorRecording, top: int) -> str:
    fullest = max(range(len(run.notes)), key=lambda at: run.notes[at].used)
    note = run.notes[fullest]
    lines = [
        row("cached tokens", f"<b>{gib(note.used)}</b>"),
        row("allocated", f"<b>{gib(note.allocated)}</b>"),
        row("reserved by PyTorch", f"<b>{gib(note.reserved)}</b>"),
        row(f"simulated: {run.how}", f"<b>{gib(run.simulated[fullest])}</b>"),
    ]
    return text_card(
        run.title,
        areas(run.name, run.notes, run.simulated, top),
        f"<p>{run.notes[-1].step + 1} steps; the plot ends at {size(top)}. At step "
        f"{note.step + 1}, which cached the most tokens:</p>",
        f'<div class="rows">{"".join(lines)}</div>',
        bars(run.name, note, top),
        f"<p>{many(len(note.segments), 'segment')} in address order.</p>",
        kind="measured",
    )
