"""Where the bytes go: closed forms from a scenario to weights, KV cache, scores and GPUs needed."""

from kvviz.memory.grid import memory_grid
from kvviz.memory.report import MemoryReport, estimate
from kvviz.memory.totals import KvBytes

__all__ = ["KvBytes", "MemoryReport", "estimate", "memory_grid"]
