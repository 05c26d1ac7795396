"""A KV cache where every layer keeps its own tokens: no groups, no padding, no spare block."""

from dataclasses import dataclass

import numpy as np

from kvviz.engines.layout import KvGroup, Numbers, longest_held

NO_WINDOW = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class PlainLayout:
    """Blocks of tokens in every layer; a windowed layer keeps only its window.

    Args:
        block_size: tokens per block.
        token_bytes: (window, layers, bytes per token in all of them), the widest window first.
        state_bytes: recurrent state per sequence, if it comes out of the same budget.
    """

    block_size: int
    token_bytes: tuple[tuple[int, int, int], ...]
    state_bytes: int = 0

    @property
    def bytes_per_block(self) -> int:
        """Bytes per block in the layers that keep the most tokens."""
        return self.block_size * self.token_bytes[0][2]

    def request_bytes(self, length: Numbers) -> Numbers:
        """Return the bytes of a sequence of `length` tokens, in whole blocks."""
        held = self.state_bytes
        for window, _, size in self.token_bytes:
            blocks = -(-np.minimum(length, window) // self.block_size)
            held = held + blocks * self.block_size * size
        return held

    def blocks(self, kv_bytes: Numbers) -> Numbers:
        """Return the whole blocks in a budget."""
        return kv_bytes // self.bytes_per_block

    def tokens(self, blocks: Numbers, length: int) -> Numbers:
        """Return the tokens that `blocks` hold."""
        return blocks * self.block_size

    def concurrency(self, kv_bytes: Numbers, length: Numbers) -> Numbers:
        """Return how many sequences of `length` tokens the budget holds at once."""
        return kv_bytes / self.request_bytes(length)

    def holds(self, kv_bytes: Numbers, length: Numbers) -> Numbers:
        """Return whether one sequence of `length` tokens fits."""
        return self.request_bytes(length) <= kv_bytes

    def longest(self, kv_bytes: int, most: int) -> int:
        """Return the longest sequence of up to `most` tokens that fits, 0 if none does."""
        return longest_held(self, kv_bytes, most)

    def groups(self, length: int) -> tuple[KvGroup, ...]:
        """Return the layers grouped by window; recurrent states are in no group."""
        return tuple(
            KvGroup(
                "full_attention" if window == NO_WINDOW else "sliding_window",
                layers,
                self.block_size,
                self.block_size * size,
                None if window == NO_WINDOW else window,
                -(-min(length, window) // self.block_size),
            )
            for window, layers, size in self.token_bytes
        )
