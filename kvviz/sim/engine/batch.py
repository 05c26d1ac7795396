"""The requests that wait and run at a step: who joins, is preempted, ends, and holds what."""

from collections import deque

from kvviz.settings.serving import Serving
from kvviz.sim.cache.base import Cache, Requests
from kvviz.sim.cache.keys import Key
from kvviz.sim.engine.decoding import Decoding
from kvviz.sim.engine.ledger import Ledger
from kvviz.sim.engine.record import Move, Record
from kvviz.sim.workload.request import Request


class Batch:
    """What the scheduler decides; the time that a step takes is the engine's matter.

    Args:
        cache: where keys and values are.
        decoding: the requests that decode, none yet.
        ledger: hears what becomes of each request.
        record: hears what happens to every block; None where totals are enough.
        serving: limits.
        whole: whether a batch runs until its last request ends.
    """

    def __init__(
        self,
        cache: Cache,
        decoding: Decoding,
        ledger: Ledger,
        record: Record | None,
        serving: Serving,
        whole: bool,
    ) -> None:
        self.cache, self.ledger, self.record, self._whole = cache, ledger, record, whole
        # Read here once: a parameter takes as long to read as a request to schedule.
        self._block_size, self._most = serving.block_size, serving.max_num_seqs
        self.steps = self.clock = 0  # done; nanoseconds at the end of the last one
        self.waiting: deque[Request] = deque()
        self.prefilling: deque[Request] = deque()  # after all that decode, in running order
        self.decoding = decoding
        self.tokens = self.last = 0  # in the cache now, and when all that run will end
        self.done = self.preemptions = 0
        self.looked_up_tokens = 0  # of the requests that joined, each time they did
        self.refused = False  # the head of the queue does not fit into what is free
        self.blocked = False  # nobody can join before one leaves, or `watched` is known
        self.watched: Key | None = None
        self._ended: list[Request] = []  # whose room a whole batch keeps

    @property
    def running(self) -> int:
        """Requests that compute."""
        return len(self.decoding) + len(self.prefilling)

    def come(self, request: Request) -> None:
        """Let a request wait."""
        if not self.waiting:
            self.blocked, self.watched = False, None
        self.waiting.append(request)

    def demand(self) -> bool:
        """Give blocks to those that need one to decode on; return whether any was preempted."""
        need = self.decoding.phases[self.steps % self._block_size]
        before = self.preemptions
        if len(need) <= self.cache.free:
            self._take(need.values())
        else:
            for number, request in list(need.items()):
                while number in need and not self.cache.free:
                    self._preempt()
                if number in need:
                    self._take([request])
        self.cache.fill(self.decoding.phases[(self.steps + 1) % self._block_size].values())
        return self.preemptions > before

    def _take(self, requests: Requests) -> None:
        blocks = self.cache.take(requests)
        if self.record:
            self.record.took(self.steps, requests, blocks)

    def proceed(self, budget: int, scheduled: list[tuple[Request, int]]) -> bool:
        """Schedule what is left of prompts, in order; return whether any was preempted."""
        before, place = self.preemptions, 0
        while place < len(self.prefilling) and budget:
            request = self.prefilling[place]
            new, held = min(request.left, budget), len(request.table)
            while not self.cache.grow(request, new):
                if self._preempt() is request:
                    return True
            if self.record:
                self.record.grew(self.steps, request, held, new)
            scheduled.append((request, new))
            budget -= new
            place += 1
        return self.preemptions > before

    def admit(self, budget: int, scheduled: list[tuple[Request, int]]) -> None:
        """Let waiting requests join, the head of the queue first and alone."""
        self.blocked, self.watched = self._whole and self.running > 0, None
        self.refused = False
        while self.waiting and not self.blocked and (budget or self._whole):
            if self.running >= self._most:
                self.blocked, self.watched = True, None
                return
            request = self.waiting[0]
            hits = self.cache.hits(request)
            shared = self.cache.shared(hits) if self.record else []
            new = min(request.tokens - len(hits) * self._block_size, budget)
            if not self.cache.admit(request, hits, new):
                self.blocked = self.refused = True
                self.watched = self.cache.next_key(request, hits)
                return
            self.looked_up_tokens += request.tokens
            self.ledger.cached_tokens[request.index] += request.computed
            self.tokens += request.computed
            self.last += request.last
            if self.record:
                self.record.moved(self.steps, request, Move.JOINS)
                self.record.hit(self.steps, request, hits, shared)
                self.record.grew(self.steps, request, len(hits), new)
            self.prefilling.append(self.waiting.popleft())
            if new:
                scheduled.append((request, new))
            budget -= new

    def _preempt(self) -> Request:
        """Send the last running request back to the head of the queue, and return it."""
        if self.prefilling:
            request = self.prefilling.pop()
        else:
            request = self._leave(next(reversed(self.decoding.requests)))
        self.ledger.preempted(request.index, request.computed)
        self.tokens -= request.computed
        self.last -= request.last
        self._release(request, Move.PREEMPTED)
        request.computed = 0
        self.waiting.appendleft(request)
        self.preemptions += 1
        self.blocked = False
        return request

    def advance(self, request: Request, new: int) -> None:
        """Count a prompt's computed tokens; with the last of them it samples one and decodes."""
        request.computed += new
        if request.left:
            return
        request.tokens += 1
        self.ledger.sampled(request.index, self.clock)
        self.prefilling.popleft()
        if request.tokens == request.last:
            self._end(request)
        else:
            self._join(request)

    def _join(self, request: Request) -> None:
        self.decoding.join(request, self.steps)
        if self.record:
            self.record.moved(self.steps, request, Move.DECODES)

    def _leave(self, number: int) -> Request:
        joined = self.decoding.requests[number].computed
        request = self.decoding.leave(number, self.steps)
        if self.record:
            self.record.decoded(self.steps, request, joined)
        return request

    def settle(self) -> None:
        """Let those end that have all their tokens."""
        for number in self.decoding.ended(self.steps):
            self._end(self._leave(number))

    def _end(self, request: Request) -> None:
        self.ledger.ended(request.index, self.clock, self.steps)
        self.tokens -= request.computed
        self.last -= request.last
        self.done += 1
        self.blocked = False
        if not self._whole:
            self._release(request, Move.ENDS)
            return
        self._ended.append(request)
        if not self.decoding and not self.prefilling:
            while self._ended:
                self._release(self._ended.pop(), Move.ENDS)

    def _release(self, request: Request, move: Move) -> None:
        table = request.table
        freed = self.cache.release(request)
        if self.record:
            self.record.moved(self.steps, request, move)
            self.record.released(self.steps, request, table, freed, move)
