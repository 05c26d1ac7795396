"""Static batching: a batch is filled, and runs until its last sequence ends."""

from kvviz.sim.policy import Policy
from kvviz.sim.reserved import ReservedCache

POLICY = Policy("Static", ReservedCache, whole_batches=True)
