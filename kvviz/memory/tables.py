"""Block tables: which physical block holds which part of a sequence, and who shares it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

LONGEST_RUN: Final = 6  # blocks that an ended sequence gave back side by side, at most


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a block table.

    Args:
        sequence: whose, from 0.
        logical: the block's place in the sequence, from 0.
        physical: the block's place in the pool, from 0.
        tokens: places taken in it.
    """

    sequence: int
    logical: int
    physical: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A shared block copied because `sequence` writes to it: from one physical block to another."""

    sequence: int
    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Sharing:
    """Sequences that begin with the same prompt.

    Args:
        tables: the block table of every sequence that found room.
        copies: blocks copied on write, in the order of the sequences.
        missing: blocks that the first sequence without room needs beyond the free ones, else 0.
    """

    tables: list[list[Row]]
    copies: list[Copy]
    missing: int

    @property
    def references(self) -> dict[int, int]:
        """How many tables point at each physical block."""
        counts: dict[int, int] = {}
        for row in self.rows:
            counts[row.physical] = counts.get(row.physical, 0) + 1
        return counts

    @property
    def rows(self) -> list[Row]:
        """The lines of all tables."""
        return [row for table in self.tables for row in table]

    @property
    def shared_blocks(self) -> int:
        """Blocks that sharing saves: lines of the tables less blocks in use."""
        return len(self.rows) - len(self.references)


def free_list(num_blocks: int) -> list[int]:
    """Return every block id once, in an example order: short runs, as ended sequences leave them.

    The order is drawn at random once and is the same for the same pool.
    """
    rng = np.random.default_rng(num_blocks)
    ids = np.arange(num_blocks)
    ends = np.cumsum(rng.integers(1, LONGEST_RUN + 1, num_blocks))
    run = np.searchsorted(ends, ids, side="right")  # of each block, shape (num_blocks,)
    place = rng.permutation(num_blocks)
    order: list[int] = ids[np.argsort(place[run], kind="stable")].tolist()
    return order


def block_table(sequence: int, tokens: int, block_size: int, free: Iterator[int]) -> list[Row]:
    """Return the table of a sequence that takes its blocks from the head of the free list."""
    return [
        Row(sequence, index, next(free), min(block_size, tokens - index * block_size))
        for index in range(-(-tokens // block_size))
    ]


def share(free: Sequence[int], lengths: Sequence[int], prompt: int, block_size: int) -> Sharing:
    """Let sequences join one after the other, each starting with the first one's prompt.

    Full blocks of the prompt are referenced, not stored again. Its last block, where the prompt
    ends inside it, is referenced too until a joining sequence writes its own next token: then it
    is copied first (PagedAttention, arXiv 2309.06180, section 4.4).

    Args:
        free: the free list; the first sequence finds room in it.
        lengths: tokens of each sequence; the later ones are longer than the prompt.
        prompt: leading tokens that all have in common, at most the first one's length.
        block_size: tokens in a block.
    """
    head = iter(free)
    first = block_table(0, lengths[0], block_size, head)
    result = Sharing([first], [], 0)
    left = len(free) - len(first)
    full, tail = divmod(prompt, block_size)
    for sequence, tokens in enumerate(lengths[1:], start=1):
        needed = -(-tokens // block_size) - full
        if needed > left:
            return replace(result, missing=needed - left)
        left -= needed
        shared = [replace(row, sequence=sequence) for row in first[:full]]
        own = block_table(sequence, tokens - full * block_size, block_size, head)
        result.tables.append(shared + [replace(r, logical=r.logical + full) for r in own])
        if tail:
            result.copies.append(Copy(sequence, first[full].physical, own[0].physical))
    return result
