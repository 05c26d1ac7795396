"""vLLM's v1 scheduler, 0.33: requests come and go at every step, over a paged cache."""

from kvviz.sim.cache.paged import PagedCache
from kvviz.sim.policy import Policy

POLICY = Policy("Paged", PagedCache, engine="vllm")
