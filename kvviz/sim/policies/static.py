"""Static batching: a batch is filled, and runs until its last sequence ends."""

from kvviz.sim.cache.reserved import ReservedCache
from kvviz.sim.policy import Policy

POLICY = Policy("Static", ReservedCache, whole_batches=True)
