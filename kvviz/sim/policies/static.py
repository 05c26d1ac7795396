"""Static batching: a batch is filled, and runs until its last sequence finishes."""

from kvviz.sim.cache.reserved import BatchCache
from kvviz.sim.policies.base import Policy, SchedulerState
from kvviz.sim.policies.vllm import order, preempt
from kvviz.sim.workload.request import Request


def admit(request: Request, state: SchedulerState) -> bool:
    """Admit requests only to an idle engine, as many as there is room for."""
    return len(state.running) == state.joined


POLICY = Policy(
    title="Static",
    about="a batch runs until its last request finishes.",
    cache=BatchCache,
    order=order,
    admit=admit,
    preempt=preempt,
    steady=True,
)
