"""Shortest job first: short requests overtake long ones, and the longest makes room."""

from kvviz.sim.cache.paged import PagedCache
from kvviz.sim.policies.base import Policy, SchedulerState
from kvviz.sim.policies.vllm import admit
from kvviz.sim.workload.request import Request


def order(request: Request, state: SchedulerState) -> int:
    """Fewest tokens first; a real engine would have to guess how long the output gets."""
    return request.last


def preempt(request: Request, state: SchedulerState) -> Request:
    """Send back the running request that has the most tokens to go."""
    return max(state.running, key=lambda running: running.last - running.computed)


POLICY = Policy(
    title="Shortest first",
    about="vLLM’s scheduler, with short requests before long ones.",
    cache=PagedCache,
    order=order,
    admit=admit,
    preempt=preempt,
    engine="vllm",
)
