"""Lists of lengths, as benchmarks keep them of ShareGPT and engines write them of their runs."""

from typing import Final

from kvviz.sim.workload.traces.format import AT_ONCE, Clock, Format, Reader
from kvviz.sim.workload.traces.request import Fields, Request, nanoseconds, tokens

PROMPT: Final = ("input_toks", "input_len", "prompt_len", "input_tokens", "prompt_tokens")
OUTPUT: Final = ("output_toks", "output_len", "output_tokens", "completion_tokens")
# An engine's own clock first: it also times the request's tokens.
ARRIVAL: Final = ("queued_ts", "arrival_time")  # seconds


def _known(keys: frozenset[str]) -> bool:
    return not keys.isdisjoint(PROMPT) and not keys.isdisjoint(OUTPUT)


def _reader(keys: frozenset[str]) -> Reader:
    prompt, output = (next(key for key in known if key in keys) for known in (PROMPT, OUTPUT))
    arrival = next((key for key in ARRIVAL if key in keys), None)

    def request(fields: Fields) -> Request:
        return Request(
            nanoseconds(fields, arrival) if arrival else 0,
            tokens(fields, prompt),
            tokens(fields, output),
            name=str(fields.get("request_id", "")),
        )

    notes = (f"Requests come at their {arrival}, counted from the first.",) if arrival else AT_ONCE
    return Reader(request, Clock(from_first=True), notes=notes)


LENGTHS: Final = Format(
    name="lengths",
    looks="lengths as of ShareGPT (input_len or prompt_len, output_len) or of a run (input_toks, "
    "output_toks, queued_ts)",
    knows=_known,
    reader=_reader,
)
