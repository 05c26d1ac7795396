"""What PyTorch's CUDA allocator really holds while caches grow: contiguous ones, and a paged pool.

Sequences come and go in a fixed order. A contiguous cache grows as Hugging Face's does, by a new
tensor of one step's tokens more into which the old one is copied; a paged one takes pages from a
pool that is allocated once. After every few steps the allocator's own segments and blocks are
noted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import torch

TOKEN_BYTES: Final = 131_072  # Llama-3.1-8B in 16 bits
PAGE_TOKENS: Final = 16
STEP_TOKENS: Final = 64
SEQUENCES: Final = 12
STEPS: Final = 60
NOTED: Final = 4  # steps between two notes
START: Final = 4  # steps between the starts of two sequences
SHORTEST, LONGER = 10, 7  # steps of the shortest sequence, and what the others have more


class Block(NamedTuple):
    """A part of a segment.

    Args:
        address: bytes from the lowest address of the run.
        size: bytes.
        active: whether a tensor holds it.
    """

    address: int
    size: int
    active: bool


def sequences() -> list[tuple[int, int]]:
    """Return each sequence's first step, and for how many steps it grows."""
    return [(START * number, SHORTEST + LONGER * (number % 4)) for number in range(SEQUENCES)]


def lengths(step: int) -> dict[int, int]:
    """Return the tokens of every sequence that is alive at a step, by its number."""
    ages = {number: (step - first, steps) for number, (first, steps) in enumerate(sequences())}
    return {
        number: (age + 1) * STEP_TOKENS for number, (age, steps) in ages.items() if 0 <= age < steps
    }


def growing(device: torch.device, token_bytes: int = TOKEN_BYTES) -> Iterator[int]:
    """Hold every sequence's cache in a tensor of its own; yield the bytes held after each step."""
    caches: dict[int, torch.Tensor] = {}
    for step in range(STEPS):
        alive = lengths(step)
        caches = {number: cache for number, cache in caches.items() if number in alive}
        for number in alive:
            new = torch.zeros(STEP_TOKENS, token_bytes, dtype=torch.uint8, device=device)
            old = caches.get(number)
            caches[number] = new if old is None else torch.cat([old, new])
            del new, old
        yield sum(cache.nbytes for cache in caches.values())


def paged(device: torch.device, token_bytes: int = TOKEN_BYTES) -> Iterator[int]:
    """Hold all sequences in pages of one pool, as many as they need at most; yield its bytes."""
    pages = max(sum(-(-n // PAGE_TOKENS) for n in lengths(step).values()) for step in range(STEPS))
    pool = torch.zeros(pages, PAGE_TOKENS, token_bytes, dtype=torch.uint8, device=device)
    free, tables = list(range(pages)), dict[int, list[int]]()
    for step in range(STEPS):
        alive = lengths(step)
        for gone in tables.keys() - alive.keys():
            free += tables.pop(gone)
        for number, tokens in alive.items():
            table = tables.setdefault(number, [])
            while len(table) * PAGE_TOKENS < tokens:
                table.append(free.pop())
                pool[table[-1]] = 1
        yield pool.nbytes


def record(device: torch.device) -> dict[str, Any]:
    """Return both runs on a GPU, as the recordings keep them: some ten kilobytes."""
    snapshot: Any = torch.cuda.memory.memory_snapshot
    found = facts()
    for name, run in (("contiguous", growing), ("paged", paged)):
        torch.cuda.empty_cache()
        found[name] = noted(run(device), snapshot)
    return found


def facts() -> dict[str, Any]:
    """Return what a recording says of the sequences, from which both runs can be simulated."""
    sizes = {"token_bytes": TOKEN_BYTES, "page_tokens": PAGE_TOKENS, "step_tokens": STEP_TOKENS}
    return {**sizes, "sequences": [list(each) for each in sequences()]}


def noted(
    run: Iterator[int], snapshot: Callable[[], Sequence[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the notes of a run: of the segments that it took, after every few steps.

    Args:
        run: takes a step each time.
        snapshot: returns the allocator's segments, as `torch.cuda.memory.memory_snapshot`.
    """
    before = {segment["address"] for segment in snapshot()}
    notes = []
    for step, _ in enumerate(run):
        if step % NOTED == NOTED - 1:
            notes.append((step, [new for new in snapshot() if new["address"] not in before]))
    lowest = min(segment["address"] for _, held in notes for segment in held)
    return [note(step, held, lowest) for step, held in notes]


def note(step: int, segments: Sequence[Mapping[str, Any]], lowest: int) -> dict[str, Any]:
    """Return a snapshot of the allocator as it is kept.

    Args:
        step: of the run.
        segments: as `torch.cuda.memory.memory_snapshot` returns them.
        lowest: the address that others are counted from.
    """
    return {
        "step": step,
        "used": sum(lengths(step).values()) * TOKEN_BYTES,
        "allocated": sum(segment["allocated_size"] for segment in segments),
        "reserved": sum(segment["total_size"] for segment in segments),
        "segments": [
            [list(block) for block in _blocks(segment, lowest)]
            for segment in sorted(segments, key=lambda segment: segment["address"])
        ],
    }


def _blocks(segment: Mapping[str, Any], lowest: int) -> Iterator[Block]:
    address = segment["address"] - lowest
    for block in segment["blocks"]:
        yield Block(address, block["size"], block["state"] == "active_allocated")
        address += block["size"]
