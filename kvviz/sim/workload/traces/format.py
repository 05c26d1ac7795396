"""What a format of traces is: how to know its rows, and what a row says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kvviz.sim.workload.traces.request import Fields, Request

AT_ONCE: Final = ("The trace has no arrival times: all requests arrive at the start.",)


@dataclass(frozen=True)
class Clock:
    """What a trace's arrivals mean.

    Args:
        from_first: the first request comes at 0, since the trace counts from elsewhere.
        in_steps: arrivals are engine steps instead of nanoseconds.
    """

    from_first: bool = False
    in_steps: bool = False


@dataclass(frozen=True)
class Reader:
    """How the rows of one trace are read.

    Args:
        request: from a row to its request; raises `RowError`.
        clock: what the arrivals mean.
        sampled: token id that every output token has; None where outputs are unlike all others.
        notes: sentences that readers should see.
    """

    request: Callable[[Fields], Request]
    clock: Clock
    sampled: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A format whose rows are cells of a CSV or JSON objects.

    Args:
        name: what it is called.
        looks: how to know it, for a reader whose file is none of them.
        knows: whether these columns or keys are the format's.
        reader: how rows with these columns or keys are read.
    """

    name: str
    looks: str
    knows: Callable[[frozenset[str]], bool]
    reader: Callable[[frozenset[str]], Reader]
