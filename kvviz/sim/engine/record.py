"""What happens to every block and request, step by step, as the fast engine notes it."""

from array import array
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kvviz.sim.cache.blocks import Freed
from kvviz.sim.workload.request import Request
from kvviz.timeline import NOBODY, State


class Move(IntEnum):
    """What happens to a request."""

    JOINS = 0  # its prompt, or all it had before it was preempted, begins to be computed
    DECODES = 1
    PREEMPTED = 2
    ENDS = 3


class Blocks(NamedTuple):
    """Changes of single blocks in the order in which they happen; columns of one length."""

    ns: NDArray[np.int64]
    block: NDArray[np.int64]
    owner: NDArray[np.int64]
    state: NDArray[np.int64]


class Moves(NamedTuple):
    """What happens to requests, in order; columns of one length."""

    ns: NDArray[np.int64]
    request: NDArray[np.int64]
    move: NDArray[np.int64]  # a `Move`


class Record:
    """Notes of an engine: what happens to blocks and requests, and when each step ends.

    Args:
        num_blocks: blocks of the pool.
        block_size: tokens of a block.
        on_demand: whether blocks are used as soon as they are given; else they are reserved first.
        shares: whether requests may share blocks.
    """

    def __init__(self, num_blocks: int, block_size: int, on_demand: bool, shares: bool) -> None:
        self.starts, self.ends = array("q"), array("q")  # of each step, in ns
        self._moves: list[tuple[int, int, Move]] = []  # (edge, request, what)
        self._block_size, self._on_demand = block_size, on_demand
        # Edges are numbered: 2 s is the start of step s, 2 s + 1 its end.
        self._runs = array("q")  # edge, state, how many of these:
        self._blocks, self._owners = array("q"), array("q")
        self._owner_of = [NOBODY] * num_blocks if shares else None
        self._holders: dict[int, list[int]] = {}  # requests that share a block

    def stepped(self, start: int, end: int) -> None:
        """Note when a step begins and ends."""
        self.starts.append(start)
        self.ends.append(end)

    def moved(self, step: int, request: Request, move: Move) -> None:
        """Note what happens to a request."""
        self._moves.append((_edge(step, move), request.index, move))

    def took(self, step: int, requests: Iterable[Request], blocks: Sequence[int]) -> None:
        """Note that each request has one more block."""
        owners = [request.index for request in requests]
        self._changed(2 * step, State.USED, blocks, owners)

    def grew(self, step: int, request: Request, before: int, new: int) -> None:
        """Note that a request computes `new` tokens, and which blocks it has since `before`."""
        given = State.USED if self._on_demand else State.RESERVED
        self._one(2 * step, given, request.table[before:], request.index)
        if not self._on_demand:
            start, end = (
                -(-n // self._block_size) for n in (request.computed, request.computed + new)
            )
            self._one(2 * step, State.USED, request.table[start:end], request.index)

    def decoded(self, step: int, request: Request, start: int) -> None:
        """Note that reserved blocks were filled by tokens computed one per step, up to `step`."""
        if self._on_demand:
            return
        size, first = self._block_size, step - (request.computed - start)
        for number in range(-(-start // size), -(-request.computed // size)):
            block, when = request.table[number], first + number * size - start
            self._one(2 * when, State.USED, [block], request.index)

    def hit(self, step: int, request: Request, hits: list[int], shared: list[int]) -> None:
        """Note that a request found blocks with its content, some of them `shared` with others."""
        alone = [block for block in hits if block not in shared]
        self._one(2 * step, State.USED, alone, request.index)
        for block in shared:
            assert self._owner_of, "a block is shared where none can be"
            self._holders.setdefault(block, [self._owner_of[block]]).append(request.index)
        self._one(2 * step, State.SHARED, shared, request.index)

    def released(
        self, step: int, request: Request, table: Sequence[int], freed: Freed, move: Move
    ) -> None:
        """Note that a request freed its blocks, why, and which of them are no longer held."""
        edge = _edge(step, move)
        self._one(edge, State.FREE, freed.plain, NOBODY)
        self._one(edge, State.CACHED, freed.known, request.index)
        for block in table if self._holders else ():
            if block in self._holders:
                self._part(edge, block, request.index)

    def _part(self, edge: int, block: int, request: int) -> None:
        holders = self._holders[block]
        holders.remove(request)
        if len(holders) == 1:
            self._one(edge, State.USED, [block], holders[0])
            del self._holders[block]

    def _one(self, edge: int, state: State, blocks: Sequence[int], owner: int) -> None:
        self._changed(edge, state, blocks, [owner] * len(blocks))

    def _changed(
        self, edge: int, state: State, blocks: Sequence[int], owners: Sequence[int]
    ) -> None:
        if not blocks:
            return
        self._runs.extend((edge, state, len(blocks)))
        self._blocks.extend(blocks)
        self._owners.extend(owners)
        if self._owner_of:
            for block, owner in zip(blocks, owners, strict=True):
                self._owner_of[block] = owner

    def blocks(self) -> Blocks:
        """Return all changes of blocks, sorted by time."""
        runs = np.array(self._runs, dtype=np.int64).reshape(-1, 3)  # (runs, 3)
        edge, state = (np.repeat(runs[:, column], runs[:, 2]) for column in (0, 1))
        order = np.argsort(edge, kind="stable")  # what was decoded is noted when it is over
        block, owner = np.array(self._blocks), np.array(self._owners)
        return Blocks(self._ns(edge)[order], block[order], owner[order], state[order])

    def moves(self) -> Moves:
        """Return all that happened to requests, in order."""
        moves = np.array(self._moves, dtype=np.int64).reshape(-1, 3)  # (moves, 3)
        return Moves(self._ns(moves[:, 0]), moves[:, 1], moves[:, 2])

    def _ns(self, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.column_stack([self.starts, self.ends]).ravel()[edges]


def _edge(step: int, move: Move) -> int:
    """Return when a move happens that is noted after `step` steps."""
    return 2 * step - (move in (Move.DECODES, Move.ENDS))
