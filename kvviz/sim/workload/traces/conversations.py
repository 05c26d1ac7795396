"""ShareGPT's conversations: text whose tokens have to be counted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kvviz.sim.workload.traces.format import AT_ONCE, Clock, Format, Reader
from kvviz.sim.workload.traces.request import MOST_TOKENS, Fields, Request, RowError, value, wrong
from kvviz.sim.workload.traces.text import TraceError

CountTokens = Callable[[str], int]
NEED: Final = 'a list of at least two turns {"from": ..., "value": text}'


def four_characters(text: str) -> int:
    """Estimate a text's tokens: four characters each, a rule of thumb for English.

    Source: OpenAI help centre, "What are tokens and how to count them?".
    """
    return -(-len(text) // 4)


def tokenizer(path: Path) -> CountTokens:
    """Return what counts tokens as the ``tokenizer.json`` of a model does, special ones left out.

    Raises:
        ImportError: the extra `tokenizers` is not installed.
        OSError: the path cannot be read.
        ValueError: the file is no tokenizer.
    """
    from tokenizers import Tokenizer

    text = path.read_text(encoding="utf-8")
    try:
        found = Tokenizer.from_str(text)
    except Exception as error:  # the library raises no narrower one
        raise ValueError(f"{path} is not a tokenizer.json: {error}.") from None
    return lambda said: len(found.encode(said, add_special_tokens=False).ids)


def conversations(count_tokens: CountTokens | None) -> Format:
    """Return the format: the first turn is the prompt, the second the output.

    vLLM's serving benchmarks do the same. Later turns are not requests.
    """

    def reader(_: frozenset[str]) -> Reader:
        if count_tokens is None:
            raise TraceError(
                "The conversations hold text, not lengths: name a tokenizer.json to count "
                "their tokens, or ask for an estimate of four characters per token."
            )
        estimate = ("Lengths are estimates: four characters per token.",)
        notes = AT_ONCE + (estimate if count_tokens is four_characters else ())
        return Reader(lambda fields: _request(fields, count_tokens), Clock(), notes=notes)

    return Format(
        name="ShareGPT conversations",
        looks='ShareGPT conversations ("conversations": [{"from", "value"}])',
        knows=lambda keys: "conversations" in keys,
        reader=reader,
    )


def _request(fields: Fields, count_tokens: CountTokens) -> Request:
    turns = value(fields, "conversations", NEED)
    if not isinstance(turns, list) or len(turns) < 2:
        raise wrong("conversations", turns, NEED)
    prompt, output = (_counted(turn, count_tokens) for turn in turns[:2])
    return Request(0, prompt, output, name=str(fields.get("id", "")))


def _counted(turn: Any, count_tokens: CountTokens) -> int:
    text = turn.get("value") if isinstance(turn, dict) else None
    if not isinstance(text, str):
        raise wrong("conversations", turn, NEED)
    if not 1 <= (count := count_tokens(text)) <= MOST_TOKENS:
        raise RowError(f"a turn has {count:,} tokens, expected at least 1.")
    return count
