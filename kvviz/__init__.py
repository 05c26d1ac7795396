"""kvviz shows where every byte of a GPU's memory goes when a large language model runs."""

__version__ = "0.1.0"
