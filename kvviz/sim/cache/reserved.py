"""KV cache in one contiguous region per request, reserved in advance."""

import numpy as np

from kvviz.memory.kv import Tokens
from kvviz.settings.serving import Serving
from kvviz.sim.cache.base import Cache, Requests, Unshared
from kvviz.sim.cache.blocks import Freed
from kvviz.sim.cache.regions import ALLOCATORS
from kvviz.sim.workload.request import Request
from kvviz.sim.workload.workload import Workload


class ReservedCache(Unshared):
    """One contiguous region per request, as long as the reservation says (Orca, OSDI '22)."""

    on_demand = False

    def __init__(self, serving: Serving, num_blocks: int, workload: Workload) -> None:
        self.serving = serving
        self.regions = ALLOCATORS[serving.allocator](num_blocks - 1)
        self.held = 0

    @staticmethod
    def largest(
        serving: Serving, num_blocks: int, prompt: Tokens, last: Tokens
    ) -> tuple[int, Tokens]:
        """Return the blocks that one request can have, and those that each of `last` needs."""
        ends = zip(prompt.tolist(), last.tolist(), strict=True)
        tokens = np.array([reserved_tokens(serving, *each) for each in ends], dtype=np.int64)
        largest = ALLOCATORS[serving.allocator](num_blocks - 1).largest
        return largest, -(-tokens // serving.block_size)

    @property
    def free(self) -> int:
        """Blocks in no region."""
        return self.regions.free

    def admit(self, request: Request, hits: list[int], new: int) -> bool:
        """Reserve the whole region; ids start at 1, as in a paged pool."""
        tokens = reserved_tokens(self.serving, request.prompt, request.last)
        size = -(-tokens // self.serving.block_size)
        start = self.regions.take(size)
        if start is None:
            return False
        request.table = list(range(start + 1, start + 1 + size))
        self.held += size
        return True

    def grow(self, request: Request, new: int) -> bool:
        """Return True: the region has the room already."""
        return True

    def release(self, request: Request, new: int = 0) -> Freed:
        """Give the region back."""
        freed, request.table = request.table, []
        self.regions.release(freed[0] - 1, len(freed))
        self.held -= len(freed)
        return Freed(freed, [])

    def take(self, requests: Requests) -> list[int]:
        """Give nothing: the region has the room already."""
        return []

    def counted(self) -> Cache:
        """Return itself: where regions lie decides what fits."""
        return self


class BatchCache(ReservedCache):
    """Regions of a whole batch: all are freed when its last request has finished."""

    def __init__(self, serving: Serving, num_blocks: int, workload: Workload) -> None:
        super().__init__(serving, num_blocks, workload)
        self._batch = 0  # requests that have a region
        self._ended: list[Request] = []

    def admit(self, request: Request, hits: list[int], new: int) -> bool:
        """Reserve the whole region."""
        fits = super().admit(request, hits, new)
        self._batch += fits
        return fits

    def release(self, request: Request, new: int = 0) -> Freed:
        """Keep the region until those of the whole batch can be freed."""
        self._ended.append(request)
        if len(self._ended) < self._batch:
            return Freed([], [])
        blocks = [
            block for each in self._ended for block in super(BatchCache, self).release(each).plain
        ]
        self._batch, self._ended = 0, []
        return Freed(blocks, [])


def reserved_tokens(serving: Serving, prompt: int, last: int) -> int:
    """Return the tokens reserved for a request that ends with `last`.

    The policies of the PagedAttention paper (arXiv 2309.06180, section 6.1): all that the model
    takes, the prompt and the output's next power of two, or the prompt and the output.
    """
    if serving.reservation == "max":
        return serving.max_model_len
    if serving.reservation == "pow2":
        output = 1 << (last - prompt - 1).bit_length()
        return min(prompt + output, serving.max_model_len)
    return last
