"""KV cache in blocks on demand: with block ids, or only counted."""

from kvviz.memory.kv import Tokens
from kvviz.settings.serving import Serving
from kvviz.sim.cache.base import Cache, Requests, Unshared
from kvviz.sim.cache.blocks import BlockPool, Freed
from kvviz.sim.cache.keys import BlockKeys, Key
from kvviz.sim.workload.request import Request
from kvviz.sim.workload.workload import Workload


class PagedCache:
    """Blocks on demand, shared where their content is the same (vLLM 0.33, v1 engine)."""

    on_demand = True

    def __init__(self, serving: Serving, num_blocks: int, workload: Workload) -> None:
        self.pool = BlockPool(num_blocks)
        self.block_size = serving.block_size
        self.keys = BlockKeys(workload, serving.block_size) if serving.prefix_caching else None
        self.shares = serving.prefix_caching
        self.held = 0

    @staticmethod
    def largest(
        serving: Serving, num_blocks: int, prompt: Tokens, last: Tokens
    ) -> tuple[int, Tokens]:
        """Return the blocks that one request can have, and those that each of `last` needs.

        The last token is sampled and never cached.
        """
        return num_blocks - 1, -(-(last - 1) // serving.block_size)

    @property
    def free(self) -> int:
        """Blocks not held by any request."""
        return self.pool.free

    @property
    def cached(self) -> int:
        """Free blocks whose content is known."""
        return self.pool.cached

    def hits(self, request: Request) -> list[int]:
        """Return the blocks of the longest cached prefix; one token at least is left to compute."""
        if self.keys is None:
            return []
        most = (request.tokens - 1) // self.block_size
        return self.pool.hits(self.keys.of(request, most)[:most])

    def admit(self, request: Request, hits: list[int], new: int) -> bool:
        """Take `new` tokens' blocks if the whole sequence would fit now; touched hits count."""
        whole = -(-request.tokens // self.block_size) - len(hits) + self.pool.unused(hits)
        if whole > self.pool.free:
            return False
        self.pool.touch(hits)
        self.held += len(hits)
        request.table = list(hits)
        request.registered = len(hits)
        request.computed = len(hits) * self.block_size
        return self.grow(request, new)

    def grow(self, request: Request, new: int) -> bool:
        """Take blocks from the head of the free list, and register those that get full."""
        after = request.computed + new
        need = -(-after // self.block_size) - len(request.table)
        if need > self.pool.free:
            return False
        request.table += self.pool.pop(need)
        self.held += need
        self._register(request, after // self.block_size)
        return True

    def _register(self, request: Request, full: int) -> None:
        if self.keys is None or full <= request.registered:
            return
        keys = self.keys.of(request, full)
        new = slice(request.registered, full)
        self.pool.register(request.table[new], keys[new])
        request.registered = full

    def release(self, request: Request, new: int = 0) -> Freed:
        """Free all blocks; cached content stays until its block is reused.

        Blocks that the current step would have filled hold nothing yet: they lose their keys.
        """
        full = request.computed // self.block_size
        if full < request.registered:
            self.pool.forget(request.table[full : request.registered])
        freed = self.pool.release(request.table)
        self.held -= len(request.table)
        request.table = []
        request.registered = 0
        if self.keys and request.tokens == request.last:
            self.keys.forget(request)
        return freed

    def take(self, requests: Requests) -> list[int]:
        """Give each the next block of the free list."""
        blocks = self.pool.pop(len(requests))
        self.held += len(blocks)
        for request, block in zip(requests, blocks, strict=True):
            request.table.append(block)
        return blocks

    def fill(self, requests: Requests) -> None:
        """Register the last block of each."""
        for request in requests:
            self._register(request, len(request.table))

    def shared(self, hits: list[int]) -> list[int]:
        """Return those of `hits` that other requests hold."""
        return [block for block in hits if self.pool.references[block]]

    def next_key(self, request: Request, hits: list[int]) -> Key | None:
        """Return the key of the first block after `hits`, if one may still be hit."""
        most = (request.tokens - 1) // self.block_size
        return self.keys.of(request, most)[len(hits)] if self.keys and len(hits) < most else None

    def knows(self, key: Key) -> bool:
        """Return whether a block has that key."""
        return bool(self.pool.hits([key]))

    def counted(self) -> Cache:
        """Return a cache that only counts, unless prefix caching decides what is computed."""
        return self if self.keys else CountedCache(self.block_size, self.pool.free)


class CountedCache(Unshared):
    """Blocks on demand, only counted: enough for totals without prefix caching."""

    on_demand = True

    def __init__(self, block_size: int, free: int) -> None:
        self.block_size = block_size
        self.free = free
        self.held = 0
        self._unnamed = Freed([], [])

    def admit(self, request: Request, hits: list[int], new: int) -> bool:
        """Take `new` tokens' blocks if the whole sequence would fit now."""
        return -(-request.tokens // self.block_size) <= self.free and self.grow(request, new)

    def grow(self, request: Request, new: int) -> bool:
        """Take blocks for `new` tokens after those computed."""
        held = -(-request.computed // self.block_size)
        need = -(-(request.computed + new) // self.block_size) - held
        if need > self.free:
            return False
        self.free -= need
        self.held += need
        return True

    def release(self, request: Request, new: int = 0) -> Freed:
        """Count a request's blocks as free again."""
        held = -(-(request.computed + new) // self.block_size)
        self.free += held
        self.held -= held
        return self._unnamed

    def take(self, requests: Requests) -> list[int]:
        """Count one block for each."""
        self.free -= len(requests)
        self.held += len(requests)
        return []

    def counted(self) -> Cache:
        """Return itself."""
        return self
