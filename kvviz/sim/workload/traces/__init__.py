"""Request traces: read from any known format, and written in kvviz's own."""

from kvviz.sim.workload.traces.conversations import four_characters, tokenizer
from kvviz.sim.workload.traces.own import to_csv, to_json
from kvviz.sim.workload.traces.reading import read_record, read_workload
from kvviz.sim.workload.traces.text import TraceError

__all__ = [
    "TraceError",
    "four_characters",
    "read_record",
    "read_workload",
    "to_csv",
    "to_json",
    "tokenizer",
]
