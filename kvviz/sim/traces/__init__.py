"""Request traces: read from any known format, and written in kvviz's own."""

from kvviz.sim.traces.conversations import four_characters, tokenizer
from kvviz.sim.traces.own import to_csv, to_json
from kvviz.sim.traces.reading import read_record, read_workload
from kvviz.sim.traces.text import TraceError

__all__ = [
    "TraceError",
    "four_characters",
    "read_record",
    "read_workload",
    "to_csv",
    "to_json",
    "tokenizer",
]
