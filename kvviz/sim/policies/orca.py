"""Iteration-level scheduling over contiguous regions reserved ahead (Orca, OSDI '22)."""

from kvviz.sim.cache.reserved import ReservedCache
from kvviz.sim.policy import Policy

POLICY = Policy("Orca", ReservedCache)
