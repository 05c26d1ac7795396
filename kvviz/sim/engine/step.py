"""The plain engine: one iteration at a time, every rule written out; the oracle of the fast one."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from kvviz.cost.steps import StepCost
from kvviz.settings.scenario import ScenarioError
from kvviz.settings.serving import Serving
from kvviz.sim.engine.ledger import Ledger
from kvviz.sim.policies.base import Policy, Rank
from kvviz.sim.workload.request import Request
from kvviz.sim.workload.workload import Workload


@dataclass(slots=True)
class Step:
    """What one iteration did; requests by their index.

    Args:
        scheduled: tokens computed.
        computed: tokens computed before.
        preempted: requests that were preempted.
        finished: requests that finish with this step.
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

    @property
    def idle(self) -> bool:
        """Whether nothing happened."""
        return not self.scheduled and not self.preempted


class StepEngine:
    """Continuous batching with chunked prefill, as a policy orders, admits and preempts.

    Args:
        workload: the requests.
        serving: the engine's limits.
        num_blocks: blocks of the pool, the null block included.
        policy: what is decided; this engine is the `SchedulerState` that it sees.
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
        self.waiting: list[Request] = []
        self.running: list[Request] = []
        self.clock = self.budget = self.joined = 0

    def steps(self) -> Iterator[Step]:
        """Yield every iteration until all requests have ended.

        Raises:
            ScenarioError: the policy admits no request to an idle engine, and none will arrive.
        """
        coming, number, done = deque(self.requests), 0, Step()
        while coming or self.waiting or self.running:
            if not self.running and (not self.waiting or done.idle):
                self._skip(coming)
            now = number if self.workload.in_steps else self.clock
            while coming and self.workload.arrival[coming[0].index] <= now:
                self._come(coming.popleft())
            number += 1
            done = self._step(number)
            yield done

    def _skip(self, coming: deque[Request]) -> None:
        """Let an idle engine's clock go on to the next arrival."""
        if not coming:
            raise nobody_joins(self.policy, len(self.waiting))
        if not self.workload.in_steps:
            self.clock = max(self.clock, coming[0].arrived)

    def _come(self, request: Request) -> None:
        if self.workload.in_steps:
            request.arrived = self.clock
        self.waiting.append(request)

    def _step(self, number: int) -> Step:
        done = Step(start_ns=self.clock)
        self.budget = self.joined = 0
        budget = self._continue(done)
        if not done.preempted:
            self._admit(done, budget)
        done.blocks = {i: list(self.requests[i].table) for i in done.scheduled}
        self.clock += self._ns(done)
        self.ledger.scheduled(done.scheduled, done.start_ns)
        for index, new in done.scheduled.items():
            self._advance(self.requests[index], new, done, number)
        self.running = [r for r in self.running if r.index not in done.finished]
        done.free_blocks, done.end_ns = self.cache.free, self.clock
        return done

    def _continue(self, done: Step) -> int:
        """Schedule running requests in order; return what is left of the budget."""
        budget, place = self.serving.max_num_batched_tokens, 0
        while place < len(self.running) and budget:
            request = self.running[place]
            while not self.cache.grow(request, new := min(request.left, budget)):
                victim = self.policy.preempt(request, self)
                place -= self.running.index(victim) < place
                budget += self._preempt(victim, done)
                if victim is request:
                    break
            else:
                self._schedule(request, new, done)
                budget -= new
                place += 1
        return budget

    def _preempt(self, victim: Request, done: Step) -> int:
        """Send a request back to the queue; return the tokens that this step had for it."""
        self.running.remove(victim)
        self.ledger.preempted(victim.index, victim.computed)
        self.cache.release(victim)
        victim.computed = 0
        self.waiting.append(victim)
        done.preempted.append(victim.index)
        done.computed.pop(victim.index, None)
        return done.scheduled.pop(victim.index, 0)

    def _admit(self, done: Step, budget: int) -> None:
        """Let waiting requests join, the head of the queue first and alone."""
        self.budget = budget
        self.waiting = sorted(self.waiting, key=self._rank)
        while self.waiting and len(self.running) < self.serving.max_num_seqs:
            request = self.waiting[0]
            if not self.policy.admit(request, self):
                return
            hits = self.cache.hits(request)
            new = min(request.tokens - len(hits) * self.serving.block_size, self.budget)
            if not self.cache.admit(request, hits, new):
                return
            self.ledger.cached_tokens[request.index] += request.computed
            self.running.append(self.waiting.pop(0))
            if new:
                self._schedule(request, new, done)
            self.budget -= new
            self.joined += 1

    def _rank(self, request: Request) -> tuple[Rank, int]:
        return self.policy.order(request, self), request.index

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
    arrived = [0] * len(workload) if workload.in_steps else workload.arrival.tolist()
    rows = enumerate(zip(workload.prompt.tolist(), last, arrived, strict=True))
    return [Request(index, prompt, prompt, end, came) for index, (prompt, end, came) in rows]


def nobody_joins(policy: Policy, waiting: int) -> ScenarioError:
    """Return what to raise where a policy leaves requests waiting forever."""
    return ScenarioError(
        f"policy {policy.title} leaves {waiting:,} of the requests waiting while nothing runs and "
        f"none will arrive; expected it to admit the first of them"
    )
