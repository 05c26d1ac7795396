"""How one GPU's KV cache is cut into blocks: what every engine's layout defines."""

from dataclasses import dataclass
from typing import Any, Protocol

Numbers = Any  # an int or float, or an array of them: for one cell, or a whole grid


@dataclass(frozen=True, slots=True)
class KvGroup:
    """Layers that share a block table.

    Args:
        kind: full_attention, mla_attention, sliding_window, chunked_local_attention or state.
        layers: how many.
        block_size: tokens per block, 0 for a state.
        block_bytes: bytes per block in all of them, with the padding of their pages.
        window: most tokens attended to, None for all.
        blocks_per_request: blocks that a request of max_model_len pins.
    """

    kind: str
    layers: int
    block_size: int
    block_bytes: int
    window: int | None
    blocks_per_request: int


class Layout(Protocol):
    """How one GPU's KV cache is cut into blocks, and how many a request uses.

    Every method takes numbers or arrays that broadcast.
    """

    @property
    def block_size(self) -> int:
        """Tokens per block in the layers that keep every token."""

    @property
    def bytes_per_block(self) -> int:
        """Bytes of one block of the pool."""

    def blocks(self, kv_bytes: Numbers) -> Numbers:
        """Return the whole blocks in a budget."""

    def tokens(self, blocks: Numbers, length: int) -> Numbers:
        """Return the tokens that the engine says a pool holds, at a max_model_len of `length`."""

    def concurrency(self, kv_bytes: Numbers, length: Numbers) -> Numbers:
        """Return how many sequences of `length` tokens the budget holds at once."""

    def request_bytes(self, length: Numbers) -> Numbers:
        """Return the bytes of the budget that a request of `length` tokens uses."""

    def holds(self, kv_bytes: Numbers, length: Numbers) -> Numbers:
        """Return whether the engine starts with this budget at a max_model_len of `length`."""

    def longest(self, kv_bytes: int, most: int) -> int:
        """Return the longest sequence of up to `most` tokens to start with, 0 if none."""

    def groups(self, length: int) -> tuple[KvGroup, ...]:
        """Return the groups of layers, with the blocks a request of `length` tokens pins."""


def longest_held(layout: Layout, kv_bytes: int, most: int) -> int:
    """Return the longest sequence of up to `most` tokens that a budget holds, 0 if none."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if layout.holds(kv_bytes, middle):
            low = middle
        else:
            high = middle - 1
    return low
