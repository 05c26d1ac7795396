"""Decoding requests, summed up: all advance by one token per step."""

from collections.abc import Iterator
from heapq import heappop, heappush

from kvviz.cost.steps import StepCost
from kvviz.memory.kv import NO_WINDOW
from kvviz.sim.workload.request import Request


class Decoding:
    """What all decoding requests cost in the next step, and when the next event of one is.

    Steps are the engine's, counted from 0.

    Args:
        cost: the cost of a step.
        block_size: tokens of a block.
        on_demand: whether they ask for a block whenever theirs are full.
    """

    def __init__(self, cost: StepCost, block_size: int, on_demand: bool) -> None:
        self.requests: dict[int, Request] = {}  # by `number`, in running order
        # Of each step mod the block size, who needs a block to go on: its last is full before it.
        self.phases: list[dict[int, Request]] = [{} for _ in range(block_size)]
        self.flops = self.moved = 0  # of all in the next step, weights left out
        self.more_flops = self.more_moved = 0  # in the step after it
        self._cost, self._block_size, self._on_demand = cost, block_size, on_demand
        self._ends: list[tuple[int, int]] = []  # (step, number): a heap, as is the next
        self._bends: list[tuple[int, int, int, int]] = []  # (step, number, flops, bytes)
        self._joined = 0

    def __len__(self) -> int:
        return len(self.requests)

    @property
    def due(self) -> int:
        """The step at which the next request ends or outgrows a window; there must be one."""
        end = self._ends[0][0]
        return min(end, self._bends[0][0]) if self._bends else end

    def join(self, request: Request, step: int) -> None:
        """Add a request whose prompt is computed, and that has sampled a token."""
        self._joined += 1
        number = request.number = self._joined
        shift = request.shift = step - request.computed
        self.requests[number] = request
        if self._on_demand:
            self.phases[shift % self._block_size][number] = request
        heappush(self._ends, (shift + request.last - 1, number))
        self._count(request, 1)
        for window, flops, moved in self._cost.windows:
            if request.tokens < window < NO_WINDOW:
                heappush(self._bends, (shift + window - 1, number, flops, moved))

    def leave(self, number: int, step: int) -> Request:
        """Take a request out, and store its progress."""
        request = self.caught_up(self.requests.pop(number), step)
        if self._on_demand:
            del self.phases[request.shift % self._block_size][number]
        self._count(request, -1)
        return request

    def caught_up(self, request: Request, step: int) -> Request:
        """Return a decoding request with its progress at `step` stored."""
        request.computed = step - request.shift
        request.tokens = request.computed + 1
        return request

    def _count(self, request: Request, sign: int) -> None:
        """Add a request's next step to the sums, or take it away."""
        flops, moved, more_flops, more_moved = self._cost.decode(request.tokens)
        self.flops += sign * flops
        self.moved += sign * moved
        self.more_flops += sign * more_flops
        self.more_moved += sign * more_moved

    def advance(self, step: int) -> None:
        """Advance by one step, to `step`."""
        self.flops += self.more_flops
        self.moved += self.more_moved
        self.bend(step)

    def bend(self, step: int) -> None:
        """From `step` on, let requests that have outgrown a window grow less in cost."""
        bends = self._bends
        while bends and (bends[0][0] == step or bends[0][1] not in self.requests):
            _, number, flops, moved = heappop(bends)
            if number in self.requests:
                self.more_flops -= flops
                self.more_moved -= moved

    def ended(self, step: int) -> Iterator[int]:
        """Yield the numbers of requests that have all their tokens, in running order."""
        ends = self._ends
        while ends and (ends[0][0] == step or ends[0][1] not in self.requests):
            _, number = heappop(ends)
            if number in self.requests:
                yield number
