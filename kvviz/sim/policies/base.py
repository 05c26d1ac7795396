"""What a scheduling policy decides, and what it may read."""

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Protocol

from kvviz.settings.serving import Serving
from kvviz.sim.cache.base import Cache, CacheClass
from kvviz.sim.workload.request import Request

Rank = float | tuple[float, ...]  # a place in the queue, the lowest first


class SchedulerState(Protocol):
    """The engine as a policy sees it at one step; read-only."""

    @property
    def clock(self) -> int:
        """Nanoseconds from the start of the run to the start of this step."""

    @property
    def budget(self) -> int:
        """Tokens that this step can still compute while requests are admitted; 0 before."""

    @property
    def joined(self) -> int:
        """Requests admitted in this step."""

    @property
    def running(self) -> Sequence[Request]:
        """Running requests, in the order of admission."""

    @property
    def waiting(self) -> Sized:
        """The waiting queue, for its length."""

    @property
    def cache(self) -> Cache:
        """The KV cache."""

    @property
    def serving(self) -> Serving:
        """The engine's limits, which hold under every policy."""


Order = Callable[[Request, SchedulerState], Rank]
Admit = Callable[[Request, SchedulerState], bool]
Preempt = Callable[[Request, SchedulerState], Request]


@dataclass(frozen=True, slots=True)
class Policy:
    """A way to schedule requests; both engines call it and get the same answers.

    Of a request a policy may read `index` (the order of arrival), `arrived`, `prompt`, `tokens`,
    `computed`, `left` and `last`. Answers depend on the request and the state alone.

    Args:
        title: its name on screen.
        about: what it does, in a sentence or two, for whoever compares policies.
        cache: how keys and values are kept.
        order: the rank of a waiting request; the lowest rank joins first, and of equal ranks the
            request that came first.
        admit: whether the first of the queue may join now. The engine asks only while fewer than
            `max_num_seqs` run; then the cache must have room as well. A no ends the step's round.
        preempt: which running request is preempted, as the request given needs a block
            and none is free; it may be that request itself.
        engine: the engine whose plan and limits it runs under where no other is asked for.
        steady: whether the rank of a waiting request never changes, and a no of `admit` that was
            given with some budget left holds until a request leaves, or another one comes to the
            head of the queue. The fast engine then skips the steps between; else it asks at each.
    """

    title: str
    about: str
    cache: CacheClass
    order: Order
    admit: Admit
    preempt: Preempt
    engine: str = "textbook"
    steady: bool = False
