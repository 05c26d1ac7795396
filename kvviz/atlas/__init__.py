"""Every model on every GPU at once: the same figures as one estimate each, as broadcast arrays."""

from kvviz.atlas.axes import Axes
from kvviz.atlas.reports import Reports, reports

__all__ = ["Axes", "Reports", "reports"]
