"""The waiting and running requests at a step: admission, preemption, completion, blocks."""

from collections import deque

from kvviz.settings.serving import Serving
from kvviz.sim.cache.base import Cache, Requests
from kvviz.sim.cache.keys import Key
from kvviz.sim.engine.decoding import Decoding
from kvviz.sim.engine.ledger import Ledger
from kvviz.sim.engine.queue import Queue
from kvviz.sim.engine.record import Move, Record
from kvviz.sim.engine.running import Running
from kvviz.sim.policies.base import Policy
from kvviz.sim.workload.request import Request

LAST = 1 << 62  # a number that none of those that decode has


class Batch:
    """What the scheduler does at a step; the engine adds the time that it takes.

    The policy decides, and this is the `SchedulerState` that it sees.

    Args:
        cache: where keys and values are.
        decoding: the requests that decode, none yet.
        ledger: records what becomes of each request.
        record: records what happens to every block; None where totals are enough.
        serving: limits.
        policy: orders, admits and preempts.
    """

    def __init__(
        self,
        cache: Cache,
        decoding: Decoding,
        ledger: Ledger,
        record: Record | None,
        serving: Serving,
        policy: Policy,
    ) -> None:
        self.cache, self.ledger, self.record, self.serving = cache, ledger, record, serving
        self._order, self._admits, self._victim = policy.order, policy.admit, policy.preempt
        self._steady = policy.steady
        # Read here once: a parameter takes as long to read as a request to schedule.
        self._block_size, self._most = serving.block_size, serving.max_num_seqs
        self.steps = self.clock = 0  # done; nanoseconds at the end of the last one
        self.waiting = Queue()
        self.budget = self.joined = 0  # of the step under way, while requests join
        self.prefilling: deque[Request] = deque()  # after all that decode, in running order
        self.decoding = decoding
        self.tokens = self.last = 0  # in the cache now, and when all that run will end
        self.done = self.preemptions = 0
        self.looked_up_tokens = 0  # of the requests that joined, each time they did
        self.refused = False  # the head of the queue does not fit into what is free
        self.blocked = False  # nobody can join before one leaves, or `watched` is known
        self.watched: Key | None = None

    @property
    def running(self) -> Running:
        """Requests that run, in order."""
        return Running(self.decoding, self.prefilling, self.steps)

    def come(self, request: Request) -> None:
        """Add a request to the queue."""
        self.waiting.put(self._order(request, self), request)
        if self.waiting[0][2] is request:
            self.blocked, self.watched = False, None

    def demand(self) -> bool:
        """Give blocks to decoding requests that need one; return whether any was preempted."""
        self.budget = self.joined = 0
        need = self.decoding.phases[self.steps % self._block_size]
        before = self.preemptions
        if len(need) <= self.cache.free:
            self._take(need.values())
        else:
            for number, request in list(need.items()):
                while number in need and not self.cache.free:
                    self._preempt(request, number, [])
                if number in need:
                    self._take([request])
        self.cache.fill(self.decoding.phases[(self.steps + 1) % self._block_size].values())
        return self.preemptions > before

    def _take(self, requests: Requests) -> None:
        blocks = self.cache.take(requests)
        if self.record:
            self.record.took(self.steps, requests, blocks)

    def proceed(self, budget: int, scheduled: list[tuple[Request, int]]) -> bool:
        """Schedule the rest of running prompts, in order; return whether any was preempted.

        Args:
            budget: tokens of the step, those that decode included.
            scheduled: takes requests, with the tokens of each.
        """
        if not self.prefilling:
            return False
        before = self.preemptions
        budget -= len(self.decoding)
        while len(scheduled) < len(self.prefilling) and budget:
            request = self.prefilling[len(scheduled)]
            held = len(request.table)
            while not self.cache.grow(request, new := min(request.left, budget)):
                victim, back = self._preempt(request, LAST, scheduled)
                budget += back
                if victim is request:
                    break
            else:
                if self.record:
                    self.record.grew(self.steps, request, held, new)
                scheduled.append((request, new))
                budget -= new
        return self.preemptions > before

    def admit(self, budget: int, scheduled: list[tuple[Request, int]]) -> None:
        """Admit waiting requests from the head of the queue, one at a time."""
        self.blocked, self.watched, self.refused = False, None, False
        self.budget, self.joined = budget, 0
        waiting, cache = self.waiting, self.cache
        if not self._steady:
            waiting.rank_anew(lambda request: self._order(request, self))
        room = self._most - len(self.decoding.requests) - len(self.prefilling)
        while waiting:
            if self.joined >= room:
                self.blocked = True
                return
            request = waiting[0][2]
            if not self._admits(request, self):
                self.blocked = self._steady and self.budget > 0
                return
            hits = cache.hits(request)
            shared = cache.shared(hits) if self.record else []
            new = min(request.tokens - len(hits) * self._block_size, self.budget)
            if not cache.admit(request, hits, new):
                self.refused, self.blocked = True, self._steady
                self.watched = cache.next_key(request, hits)
                return
            waiting.popleft()
            self._enter(request, hits, shared, new)
            if new:
                scheduled.append((request, new))

    def _enter(self, request: Request, hits: list[int], shared: list[int], new: int) -> None:
        """Let a request run that has got its room, `new` tokens of it in this step."""
        self.budget -= new
        self.joined += 1
        self.looked_up_tokens += request.tokens
        self.ledger.cached_tokens[request.index] += request.computed
        self.tokens += request.computed
        self.last += request.last
        self.prefilling.append(request)
        if self.record:
            self.record.moved(self.steps, request, Move.JOINS)
            self.record.hit(self.steps, request, hits, shared)
            self.record.grew(self.steps, request, len(hits), new)

    def _preempt(
        self, request: Request, reached: int, scheduled: list[tuple[Request, int]]
    ) -> tuple[Request, int]:
        """Send the policy's victim back to the queue, to make room for a request.

        Args:
            request: who needs room.
            reached: those that decode and have lower numbers have their room for this step.
            scheduled: those whose prompts have theirs, and its tokens; the victim is taken out.

        Returns:
            The victim, and the tokens for which this step had given it room.
        """
        victim = self._victim(request, self)
        if self.decoding.requests.get(victim.number) is victim:
            new = int(victim.number < reached)
            self._leave(victim.number)
        else:
            new = _taken_back(victim, scheduled)
            self.prefilling.remove(victim)
        self.ledger.preempted(victim.index, victim.computed)
        self.tokens -= victim.computed
        self.last -= victim.last
        self._release(victim, Move.PREEMPTED, new)
        victim.computed = 0
        self.waiting.put(self._order(victim, self), victim)
        self.preemptions += 1
        self.blocked = False
        return victim, new

    def advance(self, request: Request, new: int) -> None:
        """Count a prompt's computed tokens; after the last, it samples a token and decodes."""
        request.computed += new
        if request.left:
            return
        request.tokens += 1
        self.ledger.sampled(request.index, self.clock)
        self.prefilling.popleft()
        if request.tokens == request.last:
            self._end(request)
        else:
            self._decode(request)

    def _decode(self, request: Request) -> None:
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
        """Finish requests that have all their tokens."""
        for number in self.decoding.ended(self.steps):
            self._end(self._leave(number))

    def _end(self, request: Request) -> None:
        self.ledger.ended(request.index, self.clock, self.steps)
        self.tokens -= request.computed
        self.last -= request.last
        self.done += 1
        self.blocked = False
        self._release(request, Move.ENDS)

    def _release(self, request: Request, move: Move, new: int = 0) -> None:
        table = request.table
        freed = self.cache.release(request, new)
        if self.record:
            self.record.moved(self.steps, request, move)
            self.record.released(self.steps, request, table, freed, move)


def _taken_back(victim: Request, scheduled: list[tuple[Request, int]]) -> int:
    """Take a victim off those that are scheduled; return the tokens that it had there."""
    for place, (request, new) in enumerate(scheduled):
        if request is victim:
            del scheduled[place]
            return new
    return 0
