"""What memory was measured to be held on real devices: by attention, and by an allocator."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.measured.recordings import Recording, recording_of, recordings


@dataclass(frozen=True, slots=True)
class ScoreMultiple:
    """What one implementation of attention held at its peak.

    Args:
        name: the implementation.
        dtype: of its inputs.
        n: queries, and keys.
        multiple: its peak above what was held before, as a multiple of S, one copy of the scores.
    """

    name: str
    dtype: str
    n: int
    multiple: float


@dataclass(frozen=True, slots=True)
class ScoreMultiples:
    """What implementations of attention held on one device.

    Args:
        rows: one an implementation, dtype and length.
        place: the device in words.
        date: of the measuring, a day.
        own: whether the device is the GPU that was asked for.
    """

    rows: tuple[ScoreMultiple, ...]
    place: str
    date: str
    own: bool

    def of(self, dtype: str) -> tuple[ScoreMultiple, ...]:
        """Return the rows of a dtype at the longest n that it was measured at."""
        rows = [row for row in self.rows if row.dtype == dtype]
        longest = max((row.n for row in rows), default=0)
        return tuple(row for row in rows if row.n == longest)


@dataclass(frozen=True, slots=True)
class AllocatorNote:
    """What the framework's allocator held at one step of a run, all in bytes.

    Args:
        step: of the run.
        used: by the tokens that were cached.
        allocated: in tensors.
        reserved: of the GPU, in segments.
        segments: each segment's blocks as (address, size, whether a tensor holds it); addresses
            count from the lowest of the run.
    """

    step: int
    used: int
    allocated: int
    reserved: int
    segments: tuple[tuple[tuple[int, int, bool], ...], ...]


@dataclass(frozen=True, slots=True)
class AllocatorRecording:
    """The allocator while the same sequences grew in contiguous caches and in pages of a pool.

    Args:
        contiguous: its notes while every sequence's cache was a tensor of its own.
        paged: its notes at the same steps while all caches were pages of one pool.
        sequences: each sequence's first step, and for how many steps it grew.
        step_bytes: that a sequence grew by at a step.
        page_bytes: of a page.
        source: where the figures come from, in words.
    """

    contiguous: tuple[AllocatorNote, ...]
    paged: tuple[AllocatorNote, ...]
    sequences: tuple[tuple[int, int], ...]
    step_bytes: int
    page_bytes: int
    source: str

    def held(self, step: int) -> list[int]:
        """Return the bytes of tokens of each sequence that was alive at a step."""
        ages = ((step - first, steps) for first, steps in self.sequences)
        return [(age + 1) * self.step_bytes for age, steps in ages if 0 <= age < steps]


def score_multiples(gpu: Gpu, place: Path | None = None) -> ScoreMultiples | None:
    """Return what implementations held on a GPU as multiples of S.

    Where the GPU has no recording of its own it is that of another GPU, else of a CPU, the newest,
    and says so; None where there is none at all.
    """
    own = recording_of(gpu, "memory", place)
    found = own or next(_others(place), None)
    if found is None:
        return None
    rows = tuple(
        ScoreMultiple(row["name"], group["dtype"], group["n"], row["peak_multiple"])
        for group in found.groups("memory")
        for row in group["rows"]
    )
    return ScoreMultiples(rows, found.place, found.date[:10], own is not None)


def _others(place: Path | None) -> Iterator[Recording]:
    """Yield the recordings of peaks, those of GPUs first, the newest first of each."""
    found = [recording for recording in recordings(place) if recording.groups("memory")]
    yield from sorted(found, key=lambda recording: "memory_bytes" not in recording.facts)


def allocator_recording(gpu: Gpu, place: Path | None = None) -> AllocatorRecording | None:
    """Return what the allocator held on a GPU while caches grew, None where it was not recorded."""
    found = recording_of(gpu, "allocator", place)
    if found is None:
        return None
    kept = found.facts["allocator"]
    contiguous, paged = (tuple(map(_note, kept[name])) for name in ("contiguous", "paged"))
    return AllocatorRecording(
        contiguous,
        paged,
        tuple((first, steps) for first, steps in kept["sequences"]),
        kept["step_tokens"] * kept["token_bytes"],
        kept["page_tokens"] * kept["token_bytes"],
        found.source,
    )


def _note(kept: Mapping[str, Any]) -> AllocatorNote:
    segments = tuple(
        tuple((at, size, on) for at, size, on in blocks) for blocks in kept["segments"]
    )
    return AllocatorNote(**{**kept, "segments": segments})
