"""The version of kvviz."""

__version__ = "0.1.0"
