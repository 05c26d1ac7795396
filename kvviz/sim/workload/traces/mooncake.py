"""Traces of Mooncake (Qin et al., FAST 2025), whose prompts are blocks of 512 tokens with ids."""

from typing import Final

from kvviz.sim.workload.traces.format import Clock, Format, Reader
from kvviz.sim.workload.traces.request import (
    Fields,
    Request,
    RowError,
    nanoseconds,
    tokens,
    value,
    wrong,
)

BLOCK: Final = 512
KEYS: Final = frozenset(("timestamp", "input_length", "output_length", "hash_ids"))
NEED: Final = "a list of whole numbers of at least 0"


def _request(fields: Fields) -> Request:
    prompt, ids = tokens(fields, "input_length"), value(fields, "hash_ids", NEED)
    blocks = -(-prompt // BLOCK)
    if not isinstance(ids, list) or not all(type(i) is int and 0 <= i < 2**54 for i in ids):
        raise wrong("hash_ids", ids, NEED)
    if len(ids) != blocks:
        raise RowError(
            f"hash_ids holds {len(ids):,}, expected {blocks:,}: one for each {BLOCK} of the "
            f"{prompt:,} input tokens."
        )
    sizes = [BLOCK] * (blocks - 1) + [prompt - BLOCK * (blocks - 1)]
    arrival = nanoseconds(fields, "timestamp", 10**6)
    return Request(arrival, prompt, tokens(fields, "output_length"), ids, sizes)


MOONCAKE: Final = Format(
    name="Mooncake trace",
    looks="Mooncake JSONL (timestamp in ms, input_length, output_length, hash_ids)",
    knows=KEYS.issubset,
    reader=lambda _: Reader(_request, Clock(from_first=True)),
)
