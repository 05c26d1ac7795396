"""vLLM."""

from kvviz.engines.vllm.engine import ENGINE

__all__ = ["ENGINE"]
