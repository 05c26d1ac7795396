"""The plain engine: one iteration at a time, every rule written out; the oracle of the fast one."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from kvviz.cost.steps import StepCost
from kvviz.settings.serving import Serving
from kvviz.sim.engine.ledger import Ledger
from kvviz.sim.policy import Policy
from kvviz.sim.workload.request import Request
from kvviz.sim.workload.workload import Workload


@dataclass(slots=True)
class Step:
    """What one iteration did; requests by their index.

    Args:
        scheduled: tokens computed.
        computed: tokens computed before.
        preempted: requests sent back to the queue.
        finished: requests that end with this step.
        blocks: block tables after scheduling.
        free_blocks: blocks free when the step is over.
        start_ns: clock before the step.
        end_ns: clock after it.
    """

    scheduled: dict[int, int] = field(default_factory=dict)
    computed: dict[int, int] = field(default_factory=dict)
    preempted: list[int] = field(default_factory=list)
    finished: list[int] = field(default_factory=list)
    blocks: dict[int, list[int]] = field(default_factory=dict)
    free_blocks: int = 0
    start_ns: int = 0
    end_ns: int = 0


class StepEngine:
    """Continuous batching as vLLM 0.33's v1 scheduler does it, or as another policy varies it.

    Args:
        workload: the requests.
        serving: the engine's limits.
        num_blocks: blocks of the pool, the null block included.
        policy: where keys and values go, and when requests may join.
        cost: the time of a step.
    """

    def __init__(
        self,
        workload: Workload,
        serving: Serving,
        num_blocks: int,
        policy: Policy,
        cost: StepCost,
    ) -> None:
        self.workload, self.serving, self.policy, self.cost = workload, serving, policy, cost
        self.cache = policy.cache(serving, num_blocks, workload)
        self.ledger = Ledger(len(workload))
        self.requests = requests_of(workload, serving.max_model_len)
        self.waiting: deque[Request] = deque()
        self.running: list[Request] = []
        self.ended: list[Request] = []  # whose room a whole batch keeps
        self.clock = 0

    def steps(self) -> Iterator[Step]:
        """Yield every iteration until all requests have ended."""
        coming = deque(self.requests)
        number = 0
        while coming or self.waiting or self.running:
            if not self.workload.in_steps and not self.waiting and not self.running:
                self.clock = max(self.clock, int(self.workload.arrival[coming[0].index]))
            now = number if self.workload.in_steps else self.clock
            while coming and self.workload.arrival[coming[0].index] <= now:
                self.waiting.append(coming.popleft())
            number += 1
            yield self._step(number)

    def _step(self, number: int) -> Step:
        done = Step(start_ns=self.clock)
        budget = self._continue(done)
        if not done.preempted:
            self._admit(done, budget)
        done.blocks = {i: list(self.requests[i].table) for i in done.scheduled}
        self.clock += self._ns(done)
        self.ledger.scheduled(done.scheduled, done.start_ns)
        for index, new in done.scheduled.items():
            self._advance(self.requests[index], new, done, number)
        self.running = [r for r in self.running if r.index not in done.finished]
        if self.policy.whole_batches and not self.running:
            for request in self.ended:
                self.cache.release(request)
            self.ended = []
        done.free_blocks, done.end_ns = self.cache.free, self.clock
        return done

    def _continue(self, done: Step) -> int:
        """Schedule running requests in order; return what is left of the budget."""
        budget, place = self.serving.max_num_batched_tokens, 0
        while place < len(self.running) and budget:
            request = self.running[place]
            new = min(request.left, budget)
            while not self.cache.grow(request, new):
                victim = self.running.pop()
                self._preempt(victim, done)
                if victim is request:
                    return budget
            self._schedule(request, new, done)
            budget -= new
            place += 1
        return budget

    def _preempt(self, victim: Request, done: Step) -> None:
        self.ledger.preempted(victim.index, victim.computed)
        self.cache.release(victim)
        victim.computed = 0
        self.waiting.appendleft(victim)
        done.preempted.append(victim.index)

    def _admit(self, done: Step, budget: int) -> None:
        """Let waiting requests join, the head of the queue first and alone."""
        batch = self.policy.whole_batches
        if batch and self.running:
            return
        while self.waiting and (budget or batch) and len(self.running) < self.serving.max_num_seqs:
            request = self.waiting[0]
            hits = self.cache.hits(request)
            new = min(request.tokens - len(hits) * self.serving.block_size, budget)
            if not self.cache.admit(request, hits, new):
                return
            self.ledger.cached_tokens[request.index] += request.computed
            self.running.append(self.waiting.popleft())
            if new:
                self._schedule(request, new, done)
            budget -= new

    def _schedule(self, request: Request, new: int, done: Step) -> None:
        done.scheduled[request.index] = new
        done.computed[request.index] = request.computed

    def _advance(self, request: Request, new: int, done: Step, number: int) -> None:
        """Count a request's computed tokens; when none is left to compute, it samples one."""
        request.computed += new
        if request.left:
            return
        request.tokens += 1
        self.ledger.sampled(request.index, self.clock)
        if request.tokens == request.last:
            done.finished.append(request.index)
            self.ledger.ended(request.index, self.clock, number)
            if self.policy.whole_batches:
                self.ended.append(request)
            else:
                self.cache.release(request)

    def _ns(self, done: Step) -> int:
        if not done.scheduled:
            return 0
        tokens = sum(done.scheduled.values())
        flops, moved = 0, self.cost.weight_bytes(tokens)
        for index, new in done.scheduled.items():
            more = self.cost.sequence(new, done.computed[index] + new)
            flops, moved = flops + more[0], moved + more[1]
        return self.cost.ns(tokens, flops, moved)


def requests_of(workload: Workload, max_model_len: int) -> list[Request]:
    """Return the requests before they are served; `max_model_len` tokens end them at the latest."""
    last = np.minimum(workload.prompt + workload.output, max_model_len).tolist()
    lengths = enumerate(zip(workload.prompt.tolist(), last, strict=True))
    return [Request(index, prompt, prompt, end) for index, (prompt, end) in lengths]
