"""kvviz's own CSV and JSON, and records of a scheduler's steps, which JSON of ours can hold.

CSV columns and JSON keys of a request:
    arrival_s or arrival_step: seconds with up to nine decimals, or whole engine steps.
    prompt: tokens; in JSON also the list of its token ids.
    output (max_tokens in a record): tokens asked for.
    pieces, optional: what the prompt begins with, as ``id:tokens id:tokens`` in CSV and
        ``[[id, tokens], ...]`` in JSON; equal ids mean equal text.
    id, optional: what the request is called.
A JSON file is an object whose ``requests`` lists them, with ``name`` and ``sampled`` (the token
id of all outputs, or null).
"""

import json
from collections.abc import Iterator, Sequence
from itertools import starmap
from typing import Any, Final

import numpy as np

from kvviz.sim.workload.prompts import Pieces
from kvviz.sim.workload.traces.format import Clock, Format, Reader
from kvviz.sim.workload.traces.request import (
    LAST_NS,
    MOST_TOKENS,
    Fields,
    Request,
    RowError,
    nanoseconds,
    tokens,
    whole,
    wrong,
)
from kvviz.sim.workload.workload import Workload

RECORDED_TOKEN: Final = 7  # every sampled token of a scheduler's record
PIECES: Final = "pairs of an id and a number of tokens"


def to_csv(workload: Workload) -> str:
    """Return the workload as CSV, which `read_workload` reads back to the nanosecond.

    Raises:
        ValueError: outputs have a token id, or a request's id a line break: CSV has no place
            for either.
    """
    if workload.sampled is not None:
        raise ValueError("CSV cannot hold the token id of the outputs; write JSON instead.")
    pieces = _pieces(workload)
    columns = [_clock_key(workload), "prompt", "output"]
    columns += ["pieces"] * (pieces is not None) + ["id"] * bool(workload.ids)
    lines = [",".join(columns)]
    for index, (arrival, prompt, output) in enumerate(_rows(workload)):
        cells = [arrival, str(prompt), str(output)]
        if pieces is not None:
            cells.append(" ".join(starmap("{}:{}".format, zip(*pieces.pieces(index), strict=True))))
        if workload.ids:
            cells.append(_cell(workload.ids[index]))
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def to_json(workload: Workload) -> str:
    """Return the workload as JSON, a request a line, which `read_workload` reads back exactly."""
    pieces, key = _pieces(workload), _clock_key(workload)
    lines = []
    for index, (arrival, prompt, output) in enumerate(_rows(workload)):
        more = {"id": workload.ids[index]} if workload.ids else {}
        said = {} if pieces is None else {"pieces": np.stack(pieces.pieces(index), 1).tolist()}
        rest = json.dumps({"prompt": prompt, "output": output} | said | more)
        # The decimals are written as they are; a float would not hold every nanosecond.
        lines.append(f'{{"{key}": {arrival}, {rest[1:]}')
    name, sampled = json.dumps(workload.name), json.dumps(workload.sampled)
    requests = ",\n".join(lines)
    return f'{{"name": {name}, "sampled": {sampled}, "requests": [\n{requests}\n]}}\n'


def _pieces(workload: Workload) -> Pieces | None:
    said = workload.contents
    if said is None or isinstance(said, Pieces):
        return said
    return Pieces.of_token_ids(said(index) for index in range(len(workload)))


def _rows(workload: Workload) -> Iterator[tuple[str, int, int]]:
    for arrival, prompt, output in zip(
        workload.arrival.tolist(), workload.prompt.tolist(), workload.output.tolist(), strict=True
    ):
        seconds, rest = divmod(arrival, 10**9)
        yield str(arrival) if workload.in_steps else f"{seconds}.{rest:09}", prompt, output


def _clock_key(workload: Workload) -> str:
    return "arrival_step" if workload.in_steps else "arrival_s"


def _cell(name: str) -> str:
    if "\n" in name or "\r" in name:
        raise ValueError(f"CSV cannot hold a line break in the id {name!r}; write JSON instead.")
    quoted = "," in name or '"' in name or name.isspace()
    return '"' + name.replace('"', '""') + '"' if quoted else name


def _known(keys: frozenset[str]) -> bool:
    clock = not keys.isdisjoint(("arrival_s", "arrival_step"))
    return clock and "prompt" in keys and not keys.isdisjoint(("output", "max_tokens"))


def _reader(keys: frozenset[str]) -> Reader:
    in_steps, recorded = "arrival_step" in keys, "output" not in keys

    def request(fields: Fields) -> Request:
        arrival = whole(fields, "arrival_step") if in_steps else nanoseconds(fields, "arrival_s")
        prompt, ids, sizes = _prompt(fields)
        output = tokens(fields, "max_tokens" if recorded else "output")
        return Request(arrival, prompt, output, ids, sizes, str(fields.get("id", "")))

    return Reader(request, Clock(in_steps=in_steps), RECORDED_TOKEN if recorded else None)


def _prompt(fields: Fields) -> tuple[int, Sequence[int], Sequence[int]]:
    """Return a prompt's tokens, and the ids and tokens of its pieces."""
    said = fields.get("prompt")
    if isinstance(said, list):
        if not said or not all(type(token) is int and 0 <= token <= LAST_NS for token in said):
            raise wrong("prompt", said, "at least one token id, whole numbers from 0")
        return len(said), said, [1] * len(said)
    prompt = tokens(fields, "prompt")
    pairs = _pairs(fields.get("pieces"))
    if sum(size for _, size in pairs) > prompt:
        raise RowError(f"pieces hold more tokens than the prompt's {prompt:,}.")
    return prompt, [piece for piece, _ in pairs], [size for _, size in pairs]


def _pairs(found: Any) -> list[list[int]]:
    if not found:
        return []
    try:
        if isinstance(found, str):
            pairs = [[int(part) for part in pair.split(":")] for pair in found.split()]
        else:
            pairs = [list(pair) for pair in found]
    except (TypeError, ValueError):
        raise wrong("pieces", found, PIECES) from None
    for pair in pairs:
        if len(pair) != 2 or not all(type(part) is int for part in pair):
            raise wrong("pieces", found, PIECES)
        if not 0 <= pair[0] <= LAST_NS or not 1 <= pair[1] <= MOST_TOKENS:
            raise wrong("pieces", found, PIECES + " of at least 1")
    return pairs


OWN: Final = Format(
    name="kvviz",
    looks="kvviz's CSV or JSON (arrival_s or arrival_step, prompt, output)",
    knows=_known,
    reader=_reader,
)
