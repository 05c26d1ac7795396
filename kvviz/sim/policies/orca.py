"""Iteration-level scheduling over contiguous regions reserved ahead (Orca, OSDI '22)."""

from kvviz.sim.policy import Policy
from kvviz.sim.reserved import ReservedCache

POLICY = Policy("Orca", ReservedCache)
