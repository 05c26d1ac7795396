"""vLLM's v1 scheduler, 0.33: requests come and go at every step, over a paged cache."""

from kvviz.sim.cache.paged import PagedCache
from kvviz.sim.policies.base import Policy, SchedulerState
from kvviz.sim.workload.request import Request


def order(request: Request, state: SchedulerState) -> int:
    """First come, first served; a preempted request goes before all that wait."""
    return request.index


def admit(request: Request, state: SchedulerState) -> bool:
    """Admit requests at every step, as long as it can compute at least one of their tokens."""
    return state.budget > 0


def preempt(request: Request, state: SchedulerState) -> Request:
    """Preempt the request that was admitted last."""
    return state.running[-1]


POLICY = Policy(
    title="Paged",
    about="vLLM’s v1 scheduler, 0.33, step by step: chunked prefill, preemption by "
    "recomputation, prefix caching.",
    cache=PagedCache,
    order=order,
    admit=admit,
    preempt=preempt,
    engine="vllm",
    steady=True,
)
