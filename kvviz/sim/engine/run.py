"""The fast engine: the plain one's results, taking all steps between two events at once."""

from collections.abc import Callable
from itertools import count

from kvviz.catalog.measured.efficiency import KNEE
from kvviz.cost.steps import StepCost
from kvviz.settings.serving import Serving
from kvviz.sim.engine.batch import Batch
from kvviz.sim.engine.decoding import Decoding
from kvviz.sim.engine.ledger import Ledger
from kvviz.sim.engine.record import Record
from kvviz.sim.engine.step import nobody_joins, requests_of
from kvviz.sim.engine.usage import Usage
from kvviz.sim.policies.base import Policy
from kvviz.sim.workload.request import Request
from kvviz.sim.workload.workload import Workload

TURNS = 4096  # between two words on how far the run is
FAR = 1 << 62  # a step or a nanosecond that never comes


class Engine:
    """Serves a workload, treating all decoding requests together.

    Decoding requests all advance by one token per step: what they hold, cost, and have
    still to go follows from the number of steps. One of them is looked at only when something
    happens to it: it needs a block, fills one, outgrows a window, ends, or is preempted.

    Args:
        workload: the requests.
        serving: the engine's limits.
        num_blocks: blocks of the pool, the null block included.
        policy: orders, admits and preempts, and says where keys and values go.
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
        self.cost, self.policy, self._in_steps = cost, policy, workload.in_steps
        # Read here once: a parameter takes as long to read as a request to schedule.
        self._block_size, self._budget = serving.block_size, serving.max_num_batched_tokens
        cache = policy.cache(serving, num_blocks, workload)
        shares = cache.shares and workload.contents is not None
        noted = Record(num_blocks, serving.block_size, cache.on_demand, shares)
        self.cache = cache if record else cache.counted()
        self.record = noted if record else None
        self.ledger = Ledger(len(workload))
        decoding = Decoding(cost, serving.block_size, cache.on_demand)
        self.batch = Batch(self.cache, decoding, self.ledger, self.record, serving, policy)
        self.usage = Usage(self.cache.free)
        self.sequence_steps = 0  # sequences of every step, summed up
        self.scheduled_tokens = 0
        self._requests = requests_of(workload, serving.max_model_len)
        self._coming = 0
        self._arrival = [*workload.arrival.tolist(), FAR]
        self._stalled = False  # those that wait may not join, though nothing runs
        self._demanded = False  # the step under way has given out its blocks

    @property
    def steps(self) -> int:
        """Steps done."""
        return self.batch.steps

    @property
    def clock(self) -> int:
        """Nanoseconds from the start to the end of the last step."""
        return self.batch.clock

    @property
    def preemptions(self) -> int:
        """How often a request was preempted."""
        return self.batch.preemptions

    @property
    def arrived_ns(self) -> list[int]:
        """Nanoseconds at which each request arrived."""
        return [request.arrived for request in self._requests]

    def run(self, tell: Callable[[int], None] = lambda ended: None) -> None:
        """Serve all requests; `tell` is called now and then with how many have finished.

        Raises:
            ScenarioError: the policy admits no request to an idle engine, and none will arrive.
        """
        batch = self.batch
        waiting, prefilling, decoding = batch.waiting, batch.prefilling, batch.decoding
        for turn in count():
            if turn % TURNS == 0:
                tell(batch.done)
            self._arrive()
            if not prefilling and not decoding and (not waiting or self._stalled):
                self._note()
                if self._all_done():
                    return
                if not self._in_steps:
                    batch.clock = self._arrival[self._coming]
                    continue
            joining = waiting and (self._demanded or not batch.blocked)
            if prefilling or joining or not decoding or not self._span():
                self._step()

    def _all_done(self) -> bool:
        """Return whether an idle engine has served all; raise where some can never join."""
        if self._coming < len(self._requests):
            return False
        if self.batch.waiting:
            raise nobody_joins(self.policy, len(self.batch.waiting))
        return True

    def _arrive(self) -> None:
        batch = self.batch
        now = batch.steps if self._in_steps else batch.clock
        while self._arrival[self._coming] <= now:
            request = self._requests[self._coming]
            if self._in_steps:
                request.arrived = batch.clock
            self._stalled = False
            batch.come(request)
            self._coming += 1

    def _span(self) -> bool:
        """Decode until something happens; False if it happens at once."""
        cost, size, batch = self.cost, self._block_size, self.batch
        flop_ns, byte_ns, root = cost.flop_ns, cost.byte_ns, 1 / KNEE
        decoding, cache, record = batch.decoding, self.cache, self.record
        running, phases = len(decoding), decoding.phases
        free, take, fill = cache.free, cache.take, cache.fill if cache.shares else None
        weights, extra = cost.weight_bytes(running), cost.extra_ns(running)
        flops, moved = decoding.flops, decoding.moved + weights
        more_flops, more_moved = decoding.more_flops, decoding.more_moved
        arrival = self._arrival[self._coming]
        until, last = (FAR, arrival) if self._in_steps else (arrival, FAR)
        last = min(last, decoding.due)
        watched = batch.watched if batch.waiting else None
        clock, steps, tokens = start, before, had = batch.clock, batch.steps, batch.tokens
        room, cached, used, idle, known = cache.held + free, cache.cached, 0, 0, 0
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
        batch.clock, batch.steps, batch.tokens = clock, steps, tokens
        self.scheduled_tokens += tokens - had
        self.sequence_steps += tokens - had
        self.usage.add(clock - start, used, batch.last, room, idle, known, batch.refused)
        self._note()
        if steps == last:
            decoding.bend(steps)
            batch.settle()
        return steps > before

    def _step(self) -> None:
        """Do one iteration in which anything may happen."""
        batch, decoding = self.batch, self.batch.decoding
        preempted = not self._demanded and batch.demand()
        self._demanded = False
        start = batch.clock
        scheduled: list[tuple[Request, int]] = []
        preempted |= batch.proceed(self._budget, scheduled)
        tokens, flops, moved = len(decoding), decoding.flops, decoding.moved
        if not preempted and batch.waiting:
            batch.admit(self._budget - tokens - sum([new for _, new in scheduled]), scheduled)
        for request, new in scheduled:
            more = self.cost.sequence(new, request.computed + new)
            flops, moved, tokens = flops + more[0], moved + more[1], tokens + new
        self.ledger.scheduled([request.index for request, _ in scheduled], start)
        batch.tokens += tokens
        self.scheduled_tokens += tokens
        self.sequence_steps += len(decoding) + len(scheduled)
        self._note()
        if tokens:
            ns = self.cost.ns(tokens, flops, moved + self.cost.weight_bytes(tokens))
            batch.clock += ns
            self._count_time(ns)
        self._stalled = not tokens and not preempted
        if self.record:
            self.record.stepped(start, batch.clock)
        batch.steps += 1
        decoding.advance(batch.steps)
        batch.settle()
        for request, new in scheduled:
            batch.advance(request, new)

    def _note(self) -> None:
        """Note how things are now; what happens at the same time after it is in a later row."""
        batch, cache = self.batch, self.cache
        running = len(batch.decoding.requests) + len(batch.prefilling)
        now = (batch.clock, running, len(batch.waiting), batch.done, batch.tokens, batch.last)
        self.usage.note((*now, cache.held, cache.free, cache.cached))

    def _count_time(self, ns: int) -> None:
        """Count a time in which nothing changes."""
        batch, free, cached = self.batch, self.cache.free, self.cache.cached
        room = self.cache.held + free
        self.usage.add(
            ns, batch.tokens * ns, batch.last, room, free * ns, cached * ns, batch.refused
        )
