"""The phases of every request, one after the other: waiting, prefill, decode."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kvviz.sim.engine.record import Move
from kvviz.sim.results.history import History
from kvviz.sim.results.outcome import Outcome

Column = NDArray[np.int64]


class Phase(IntEnum):
    """What a request does."""

    WAITING = 0
    PREFILL = 1  # also of all that it had before it was preempted
    DECODE = 2
    PREEMPTED = 3  # back in the queue
    ENDED = 4


FOLLOWS = (Phase.PREFILL, Phase.DECODE, Phase.PREEMPTED)  # a `Move`, in their order


class Lives(NamedTuple):
    """Phases, request after request and each in order; columns of one length.

    Attributes:
        request: its index.
        phase: a `Phase`; ended is none of them.
        start: nanoseconds.
        end: nanoseconds, where the next one starts.
        step: engine steps done at the start.
        tokens: in the cache when the phase ends, of a decode when it starts; a decode adds one a
            step, and what waits or was preempted has none.
    """

    request: Column
    phase: Column
    start: Column
    end: Column
    step: Column
    tokens: Column


def lives(outcome: Outcome) -> Lives:
    """Return the phases of all requests of a run; raises `ValueError` if it was not recorded."""
    history = outcome.recorded
    request, phase, start = _starts(outcome, history)
    order = np.lexsort((np.arange(len(start)), request))  # stable: moves are in order of time
    request, phase, start = request[order], phase[order], start[order]
    kept = np.flatnonzero(phase != Phase.ENDED)  # each is followed by the same request's next
    step = np.searchsorted(history.step_ends, start, side="right")
    tokens = _tokens(outcome, request, phase, step)
    return Lives(request[kept], phase[kept], start[kept], start[kept + 1], step[kept], tokens[kept])


def _starts(outcome: Outcome, history: History) -> tuple[Column, Column, Column]:
    """Return request, phase and start of all phases, the ends of requests among them."""
    moves, each = history.moves, np.arange(len(outcome.workload))
    arrived, ended = outcome.columns.arrived_ns, outcome.columns.end_ns
    between = moves.move != Move.ENDS  # `ended` has them
    phases = np.array(FOLLOWS, dtype=np.int64)[moves.move[between]]
    return (
        np.concatenate([each, moves.request[between], each]),
        np.concatenate([0 * each + Phase.WAITING, phases, 0 * each + Phase.ENDED]),
        np.concatenate([arrived, moves.ns[between], ended]),
    )


def _tokens(outcome: Outcome, request: Column, phase: Column, step: Column) -> Column:
    """Return the tokens of each phase; a decode leaves one more than it has in the cache."""
    prompts, tokens = outcome.workload.prompt.tolist(), np.zeros(len(request), dtype=np.int64)
    known = joined = 0
    rows = zip(request.tolist(), phase.tolist(), step.tolist(), strict=True)
    before = Phase.ENDED
    for row, (index, now, done) in enumerate(rows):
        if now == Phase.WAITING:
            known = prompts[index]
        if before == Phase.DECODE:
            known += done - joined
        if now == Phase.DECODE:
            tokens[row], joined = known, done
            known += 1
        if now == Phase.PREFILL:
            tokens[row] = known
        before = Phase(now)
    return tokens


class Counts(NamedTuple):
    """Requests by state, at every moment at which that changes; columns of one length."""

    ns: Column
    running: Column
    waiting: Column
    ended: Column


def counts(lives: Lives) -> Counts:
    """Return how many requests run, wait and have finished, from the first arrival on."""
    runs = np.isin(lives.phase, (Phase.PREFILL, Phase.DECODE)).astype(np.int64)
    last = np.append(lives.request[1:] != lives.request[:-1], True)
    ns, at = np.unique(np.concatenate([lives.start, lives.end]), return_inverse=True)

    def over_time(starts: Column, ends: Column) -> Column:
        change = np.concatenate([starts, ends])
        return np.cumsum(np.bincount(at, weights=change, minlength=len(ns))).astype(np.int64)

    none = np.zeros_like(runs)
    return Counts(
        ns,
        over_time(runs, -runs),
        over_time(1 - runs, runs - 1),
        over_time(none, last.astype(np.int64)),
    )
