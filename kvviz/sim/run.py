"""The fast engine: the plain one's results, with the iterations between two events in one go."""

from collections import deque
from collections.abc import Callable
from itertools import count

from kvviz.catalog.efficiency import KNEE
from kvviz.serving import Serving
from kvviz.sim.cache import Requests
from kvviz.sim.cost import StepCost
from kvviz.sim.decoding import Decoding
from kvviz.sim.keys import Key
from kvviz.sim.ledger import Ledger
from kvviz.sim.policy import Policy
from kvviz.sim.record import Move, Record
from kvviz.sim.request import Request
from kvviz.sim.step import requests_of
from kvviz.sim.usage import Usage
from kvviz.sim.workload import Workload

TURNS = 4096  # between two words on how far the run is
FAR = 1 << 62  # a step or a nanosecond that never comes


class Engine:
    """Serves a workload, with all that decode at once summed up.

    Requests that decode advance by a token a step, all of them: what they hold, cost, and have
    still to go follows from the number of steps. One of them is looked at only when something
    happens to it: it needs a block, fills one, outgrows a window, ends, or is preempted.

    Args:
        workload: the requests.
        serving: the engine's limits.
        num_blocks: blocks of the pool, the null block included.
        policy: where keys and values go, and when requests may join.
        cost: the time of a step.
        record: whether to note what happens to every block and request; else totals alone.
    """

    def __init__(
        self,
        workload: Workload,
        serving: Serving,
        num_blocks: int,
        policy: Policy,
        cost: StepCost,
        record: bool = False,
    ) -> None:
        self.cost, self._in_steps, self._batch = cost, workload.in_steps, policy.whole_batches
        # Read here once: a parameter takes as long to read as a request to schedule.
        self._block_size, self._most = serving.block_size, serving.max_num_seqs
        self._budget = serving.max_num_batched_tokens
        cache = policy.cache(serving, num_blocks, workload)
        self.cache = cache if record else cache.counted()
        shares = cache.shares and workload.contents is not None
        noted = Record(num_blocks, serving.block_size, cache.on_demand, shares)
        self.record = noted if record else None
        self.ledger = Ledger(len(workload))
        self.usage = Usage(self.cache.free)
        self.steps = self.clock = self.tokens = 0
        self.sequence_steps = 0  # sequences of every step, summed up
        self._last = self._done = 0  # tokens with which all that run will end; requests at theirs
        self.preemptions = self.scheduled_tokens = 0
        self.looked_up_tokens = 0  # of the requests that joined, each time they did
        self._requests = requests_of(workload, serving.max_model_len)
        self._coming = 0
        self._arrival = [*workload.arrival.tolist(), FAR]
        self.arrived_ns = self._arrival[:-1]
        self._waiting: deque[Request] = deque()
        self._prefilling: deque[Request] = deque()  # after all that decode, in running order
        self._decoding = Decoding(cost, serving.block_size, cache.on_demand)
        self._ended: list[Request] = []  # whose room a whole batch keeps
        self._refused = False  # the head of the queue does not fit into what is free
        self._blocked = False  # nobody can join before one leaves, or `_watched` is known
        self._watched: Key | None = None
        self._demanded = False  # the step under way has given out its blocks

    def run(self, tell: Callable[[int], None] = lambda ended: None) -> None:
        """Serve all requests to their ends; `tell` hears now and then how many have ended."""
        requests = len(self._requests)
        for turn in count():
            if turn % TURNS == 0:
                tell(self._done)
            self._arrive()
            if not self._waiting and not self._prefilling and not self._decoding:
                self._note()
                if self._coming == requests:
                    return
                if not self._in_steps:
                    self.clock = self._arrival[self._coming]
                    continue
            joining = self._waiting and (self._demanded or not self._blocked)
            if self._prefilling or joining or not self._decoding or not self._span():
                self._step()

    def _arrive(self) -> None:
        now = self.steps if self._in_steps else self.clock
        while self._arrival[self._coming] <= now:
            if not self._waiting:
                self._blocked, self._watched = False, None
            if self._in_steps:
                self.arrived_ns[self._coming] = self.clock
            self._waiting.append(self._requests[self._coming])
            self._coming += 1

    def _span(self) -> bool:
        """Decode until something happens; False if it happens at once."""
        cost, size = self.cost, self._block_size
        flop_ns, byte_ns, root = cost.flop_ns, cost.byte_ns, 1 / KNEE
        decoding, cache = self._decoding, self.cache
        running, phases = len(decoding), decoding.phases
        free, take, fill = cache.free, cache.take, cache.fill if cache.shares else None
        weights, extra = cost.weight_bytes(running), cost.extra_ns(running)
        flops, moved, clock, steps = (
            decoding.flops,
            decoding.moved + weights,
            self.clock,
            self.steps,
        )
        more_flops, more_moved = decoding.more_flops, decoding.more_moved
        arrival = self._arrival[self._coming]
        until, last = (FAR, arrival) if self._in_steps else (arrival, FAR)
        last = min(last, decoding.due)
        watched, record = self._watched if self._waiting else None, self.record
        start, before, tokens, used, idle = clock, steps, self.tokens, 0, 0
        room, cached, known = cache.held + free, cache.cached, 0
        self._note()
        while steps < last and clock < until:
            need = phases[steps % size]
            if need:
                if len(need) > free:
                    break
                free -= len(need)
                blocks = take(need.values())
                if record:
                    record.took(steps, need.values(), blocks)
            if fill and (full := phases[(steps + 1) % size]):
                fill(full.values())
                if watched and cache.knows(watched):
                    self._demanded = True  # the rest of this step is not decoding alone
                    break
            ns = int(((flops * flop_ns) ** KNEE + (moved * byte_ns) ** KNEE) ** root + extra)
            if record:
                record.stepped(clock, clock + ns)
            clock += ns
            steps += 1
            tokens += running
            used += tokens * ns
            idle += free * ns
            known += (cached if cached < free else free) * ns  # what is known is taken last
            flops += more_flops
            moved += more_moved
        decoding.flops, decoding.moved = flops, moved - weights
        self.clock, self.steps = clock, steps
        self.scheduled_tokens += tokens - self.tokens
        self.sequence_steps += tokens - self.tokens
        self.tokens = tokens
        self.usage.add(clock - start, used, self._last, room, idle, known, self._refused)
        self._note()
        if steps == last:
            decoding.bend(steps)
            self._settle()
        return steps > before

    def _step(self) -> None:
        """Do one iteration in which anything may happen."""
        preempted = not self._demanded and self._demand()
        self._demanded = False
        start, tokens = self.clock, len(self._decoding)
        flops, moved = self._decoding.flops, self._decoding.moved
        scheduled: list[tuple[Request, int]] = []
        preempted |= self._continue(self._budget - tokens, scheduled)
        if not preempted and self._waiting:
            self._admit(self._budget - tokens - sum([new for _, new in scheduled]), scheduled)
        for request, new in scheduled:
            more = self.cost.sequence(new, request.computed + new)
            flops, moved, tokens = flops + more[0], moved + more[1], tokens + new
        self.ledger.scheduled([request.index for request, _ in scheduled], start)
        self.tokens += tokens
        self.scheduled_tokens += tokens
        self.sequence_steps += len(self._decoding) + len(scheduled)
        self._note()
        if tokens:
            ns = self.cost.ns(tokens, flops, moved + self.cost.weight_bytes(tokens))
            self.clock += ns
            self._count_time(ns)
        if self.record:
            self.record.stepped(start, self.clock)
        self.steps += 1
        self._decoding.advance(self.steps)
        self._settle()
        for request, new in scheduled:
            self._advance(request, new)

    def _note(self) -> None:
        """Note how things are now; what happens at the same time after it is in a later row."""
        running, waiting = len(self._decoding) + len(self._prefilling), len(self._waiting)
        cache, now = self.cache, (self.clock, running, waiting, self._done, self.tokens, self._last)
        self.usage.note((*now, cache.held, cache.free, cache.cached))

    def _count_time(self, ns: int) -> None:
        """Count a time in which nothing changes."""
        free, cached = self.cache.free, self.cache.cached
        room = self.cache.held + free
        self.usage.add(
            ns, self.tokens * ns, self._last, room, free * ns, cached * ns, self._refused
        )

    def _demand(self) -> bool:
        """Give blocks to those that need one to decode on; return whether any was preempted."""
        need = self._decoding.phases[self.steps % self._block_size]
        before = self.preemptions
        if len(need) <= self.cache.free:
            self._take(need.values())
        else:
            for number, request in list(need.items()):
                while number in need and not self.cache.free:
                    self._preempt()
                if number in need:
                    self._take([request])
        self.cache.fill(self._decoding.phases[(self.steps + 1) % self._block_size].values())
        return self.preemptions > before

    def _take(self, requests: Requests) -> None:
        blocks = self.cache.take(requests)
        if self.record:
            self.record.took(self.steps, requests, blocks)

    def _continue(self, budget: int, scheduled: list[tuple[Request, int]]) -> bool:
        """Schedule what is left of prompts, in order; return whether any was preempted."""
        before, place = self.preemptions, 0
        while place < len(self._prefilling) and budget:
            request = self._prefilling[place]
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

    def _admit(self, budget: int, scheduled: list[tuple[Request, int]]) -> None:
        """Let waiting requests join, the head of the queue first and alone."""
        self._blocked, self._watched = (
            self._batch and bool(self._decoding or self._prefilling),
            None,
        )
        self._refused = False
        while self._waiting and not self._blocked and (budget or self._batch):
            if len(self._decoding) + len(self._prefilling) >= self._most:
                self._blocked, self._watched = True, None
                return
            request = self._waiting[0]
            hits = self.cache.hits(request)
            shared = self.cache.shared(hits) if self.record else []
            new = min(request.tokens - len(hits) * self._block_size, budget)
            if not self.cache.admit(request, hits, new):
                self._blocked = self._refused = True
                self._watched = self.cache.next_key(request, hits)
                return
            self.looked_up_tokens += request.tokens
            self.ledger.cached_tokens[request.index] += request.computed
            self.tokens += request.computed
            self._last += request.last
            if self.record:
                self.record.moved(self.steps, request, Move.JOINS)
                self.record.hit(self.steps, request, hits, shared)
                self.record.grew(self.steps, request, len(hits), new)
            self._prefilling.append(self._waiting.popleft())
            if new:
                scheduled.append((request, new))
            budget -= new

    def _preempt(self) -> Request:
        """Send the last running request back to the head of the queue, and return it."""
        if self._prefilling:
            request = self._prefilling.pop()
        else:
            request = self._leave(next(reversed(self._decoding.requests)))
        self.ledger.preempted(request.index, request.computed)
        self.tokens -= request.computed
        self._last -= request.last
        self._release(request, Move.PREEMPTED)
        request.computed = 0
        self._waiting.appendleft(request)
        self.preemptions += 1
        self._blocked = False
        return request

    def _advance(self, request: Request, new: int) -> None:
        """Count a prompt's computed tokens; with the last of them it samples one and decodes."""
        request.computed += new
        if request.left:
            return
        request.tokens += 1
        self.ledger.sampled(request.index, self.clock)
        self._prefilling.popleft()
        if request.tokens == request.last:
            self._end(request)
        else:
            self._join(request)

    def _join(self, request: Request) -> None:
        self._decoding.join(request, self.steps)
        if self.record:
            self.record.moved(self.steps, request, Move.DECODES)

    def _leave(self, number: int) -> Request:
        joined = self._decoding.requests[number].computed
        request = self._decoding.leave(number, self.steps)
        if self.record:
            self.record.decoded(self.steps, request, joined)
        return request

    def _settle(self) -> None:
        """Let those end that have all their tokens."""
        for number in self._decoding.ended(self.steps):
            self._end(self._leave(number))

    def _end(self, request: Request) -> None:
        self.ledger.ended(request.index, self.clock, self.steps)
        self.tokens -= request.computed
        self._last -= request.last
        self._done += 1
        self._blocked = False
        if not self._batch:
            self._release(request, Move.ENDS)
            return
        self._ended.append(request)
        if not self._decoding and not self._prefilling:
            while self._ended:
                self._release(self._ended.pop(), Move.ENDS)

    def _release(self, request: Request, move: Move) -> None:
        table = request.table
        freed = self.cache.release(request)
        if self.record:
            self.record.moved(self.steps, request, move)
            self.record.released(self.steps, request, table, freed, move)
