"""SGLang."""

from kvviz.engines.sglang.engine import ENGINE

__all__ = ["ENGINE"]
