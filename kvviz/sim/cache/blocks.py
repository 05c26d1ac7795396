"""The pool of KV blocks: ids, reference counts, hashes of their contents, and the free list."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from kvviz.sim.cache.keys import Key

NULL_BLOCK: Final = 0  # vLLM's own, never handed out


class Freed(NamedTuple):
    """Blocks no longer held: those without cached content, and those with."""

    plain: list[int]
    known: list[int]


class FreedQueue:
    """Blocks in the order in which they were freed.

    One that is taken out of the middle leaves its place there, to be skipped when its turn comes:
    an `OrderedDict` closes the gap at once, and takes three times as long for all others.
    """

    def __init__(self) -> None:
        self._places: deque[int] = deque()
        self._gaps: dict[int, int] = {}  # places of a block to be skipped, its first ones
        self._left = 0  # all of these

    def __len__(self) -> int:
        return len(self._places) - self._left

    def __iter__(self) -> Iterator[int]:
        gaps = dict(self._gaps)
        for block in self._places:
            if gaps.get(block):
                gaps[block] -= 1
            else:
                yield block

    def extend(self, blocks: Iterable[int]) -> None:
        """Put blocks at the end."""
        self._places.extend(blocks)

    def remove(self, block: int) -> None:
        """Take a block out."""
        self._gaps[block] = self._gaps.get(block, 0) + 1
        self._left += 1
        if self._left > len(self):
            self._places, self._gaps, self._left = deque(self), {}, 0

    def take(self, count: int) -> list[int]:
        """Take the first `count` blocks; there are as many."""
        first = self._places.popleft
        if not self._left:
            return [first() for _ in range(count)]
        taken: list[int] = []
        while len(taken) < count:
            if self._gaps.get(block := first()):
                self._gaps[block] -= 1
                self._left -= 1
            else:
                taken.append(block)
        return taken


class BlockPool:
    """Blocks of a paged KV cache, as vLLM 0.33's v1 engine keeps them.

    The free list is popped at its head. Freed blocks without a key go to the head, those with one
    to the tail, so that content is kept for as long as possible. Blocks without a key therefore
    all stand before those with one: the list is kept as a stack before a queue.

    Args:
        num_blocks: all blocks, the null block included.
    """

    def __init__(self, num_blocks: int) -> None:
        self.num_blocks = num_blocks
        self.references = [0] * num_blocks
        self.key_of: list[Key | None] = [None] * num_blocks
        self._block_of: dict[Key, int] = {}  # of those with a key, the one registered first
        self._others_of: dict[Key, list[int]] = {}  # the rest, in order of registration
        self._stack = list(range(num_blocks - 1, NULL_BLOCK, -1))  # the head is its end
        self._queue = FreedQueue()

    @property
    def free(self) -> int:
        """Blocks not held by any request, including those whose content is still cached."""
        return len(self._stack) + len(self._queue)

    @property
    def cached(self) -> int:
        """Free blocks whose content could still be hit."""
        return len(self._queue)

    def hits(self, keys: Iterable[Key]) -> list[int]:
        """Return the blocks that hold the longest known prefix of `keys`."""
        found = []
        for key in keys:
            block = self._block_of.get(key)
            if block is None:
                break
            found.append(block)
        return found

    def unused(self, blocks: Sequence[int]) -> int:
        """Return how many of `blocks` are free: touching them takes them off the free list."""
        return sum(not self.references[block] for block in blocks)

    def touch(self, blocks: Sequence[int]) -> None:
        """Hold blocks that have content."""
        for block in blocks:
            if not self.references[block]:
                self._queue.remove(block)
            self.references[block] += 1

    def pop(self, count: int) -> list[int]:
        """Hold `count` blocks from the head of the free list; their old content is forgotten.

        Raises:
            IndexError: fewer are free.
        """
        if count > self.free:
            raise IndexError(f"no block is free for {count - self.free} of {count}")
        references, kept = self.references, max(0, len(self._stack) - count)
        taken = self._stack[kept:][::-1]
        del self._stack[kept:]
        if len(taken) < count:
            taken += self._evict(count - len(taken))
        for block in taken:
            references[block] = 1
        return taken

    def _evict(self, count: int) -> list[int]:
        evicted = self._queue.take(count)
        self.forget(evicted)
        return evicted

    def forget(self, blocks: Iterable[int]) -> None:
        """Drop the content of blocks that have some."""
        key_of = self.key_of
        for block in blocks:
            key, key_of[block] = key_of[block], None
            if self._others_of and key in self._others_of:
                self._part(block, key)
            else:
                del self._block_of[key]

    def _part(self, block: int, key: Key) -> None:
        """Forget one block of several with the same content."""
        others = self._others_of[key]
        if self._block_of[key] == block:
            self._block_of[key] = others.pop(0)
        else:
            others.remove(block)
        if not others:
            del self._others_of[key]

    def register(self, blocks: Iterable[int], keys: Iterable[Key]) -> None:
        """Register the keys of held blocks that are now full."""
        key_of, block_of = self.key_of, self._block_of
        for block, key in zip(blocks, keys, strict=True):
            key_of[block] = key
            if block_of.setdefault(key, block) != block:
                self._others_of.setdefault(key, []).append(block)

    def release(self, table: Sequence[int]) -> Freed:
        """Let go of a request's blocks, the last first."""
        references, key_of = self.references, self.key_of
        plain, known = [], []
        for block in reversed(table):
            references[block] = left = references[block] - 1
            if left:
                continue
            if key_of[block] is None:
                plain.append(block)
            else:
                known.append(block)
        self._queue.extend(known)
        self._stack.extend(reversed(plain))
        return Freed(plain, known)

    def check(self, tables: Iterable[Sequence[int]]) -> None:
        """Check the pool's invariants, given the block tables of all requests that hold blocks.

        Raises:
            AssertionError: one does not hold.
        """
        held = Counter(block for table in tables for block in table)
        listed = [*self._stack, *self._queue]
        assert NULL_BLOCK not in held, "the null block is held"
        assert NULL_BLOCK not in listed, "the null block is free"
        assert len(set(listed)) == len(listed), "a block is free twice"
        assert not held.keys() & set(listed), "a held block is free"
        assert len(listed) + len(held) == self.num_blocks - 1, "a block is neither held nor free"
        for block in range(self.num_blocks):
            assert self.references[block] == held[block], f"references of block {block}"
        has_key = [self.key_of[block] is not None for block in listed]
        assert has_key == sorted(has_key), "a block with a key before one without"
        for block, key in enumerate(self.key_of):
            found = key is None or block in (self._block_of[key], *self._others_of.get(key, ()))
            assert found, f"block {block} cannot be found by its key"
        keyed = len(self._block_of) + sum(map(len, self._others_of.values()))
        assert keyed == sum(key is not None for key in self.key_of), "a key without its block"
