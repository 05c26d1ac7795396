"""The text of prompts as pieces with ids: equal ids mean equal text, and none is stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Prompts that begin with pieces of text; what follows these is unlike all other text.

    A piece is an id and a number of tokens. Two pieces of one id say the same as far as the
    shorter goes. Called with a request's index it gives token ids: ``id * span + position`` in
    a piece, and negative ones, each its own, after the pieces.

    Args:
        ids: of all pieces, from 0; shape (pieces,).
        tokens: of all pieces, at least 1; shape (pieces,).
        start: where a request's pieces begin; shape (requests,).
        count: how many it has; shape (requests,).
        prompt: tokens of its prompt; shape (requests,).
        own: number of its first token that is unlike all others; shape (requests,).
        span: tokens of the longest piece.
    """

    ids: Column
    tokens: Column
    start: Column
    count: Column
    prompt: Column
    own: Column
    span: int

    @classmethod
    def of(cls, ids: Column, tokens: Column, count: Column, prompt: Column) -> Self:
        """Return the prompts whose pieces lie one after the other.

        Raises:
            ValueError: pieces are longer than their prompt, or ids too large for the token ids.
        """
        ends = np.cumsum(count)
        held = np.concatenate([[0], np.cumsum(tokens)])
        rest = prompt - (held[ends] - held[ends - count])
        if (rest < 0).any():
            raise ValueError(f"The pieces of prompt {int(np.argmax(rest < 0))} exceed its length.")
        span = int(tokens.max(initial=1))
        if int(ids.max(initial=0)) > (2**63 - span) // span:
            raise ValueError(f"Pieces of {span:,} tokens allow ids up to {(2**63 - span) // span}.")
        return cls(ids, tokens, ends - count, count, prompt, np.cumsum(rest) - rest, span)

    @classmethod
    def of_token_ids(cls, prompts: Iterable[Sequence[int] | Column]) -> Self:
        """Return prompts of known token ids, from 0: every token is a piece."""
        columns = [np.asarray(prompt, dtype=np.int64) for prompt in prompts]
        ids = np.concatenate([*columns, np.zeros(0, dtype=np.int64)])
        length = np.array([len(column) for column in columns], dtype=np.int64)
        return cls.of(ids, np.ones_like(ids), length, length)

    def __call__(self, index: int) -> Column:
        """Return the token ids of a request's prompt, shape (prompt,)."""
        ids, tokens = self.pieces(index)
        first = np.repeat(ids * self.span, tokens)
        position = np.arange(len(first)) - np.repeat(np.cumsum(tokens) - tokens, tokens)
        rest = np.arange(int(self.prompt[index]) - len(first), dtype=np.int64)
        return np.concatenate([first + position, -1 - self.own[index] - rest])

    def pieces(self, index: int) -> tuple[Column, Column]:
        """Return the ids and the tokens of a request's pieces."""
        start = int(self.start[index])
        end = start + int(self.count[index])
        return self.ids[start:end], self.tokens[start:end]

    def at(self, requests: slice | Column) -> Self:
        """Return the prompts of some requests, in the order asked for."""
        return type(self)(
            self.ids,
            self.tokens,
            self.start[requests],
            self.count[requests],
            self.prompt[requests],
            self.own[requests],
            self.span,
        )
