"""Iteration-level scheduling over contiguous regions reserved in advance (Orca, OSDI '22)."""

from kvviz.sim.cache.reserved import ReservedCache
from kvviz.sim.policies.base import Policy
from kvviz.sim.policies.vllm import admit, order, preempt

POLICY = Policy(
    title="Orca",
    about="requests join and leave at every step; each has a region reserved in advance.",
    cache=ReservedCache,
    order=order,
    admit=admit,
    preempt=preempt,
    steady=True,
)
