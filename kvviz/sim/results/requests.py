"""What became of every request of a run, as columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kvviz.sim.engine.run import Engine

Column = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RequestColumns:
    """A row per request; columns of shape (requests,), times from the start of the run.

    Args:
        arrived_ns: nanoseconds to its arrival.
        scheduled_ns: to the start of the first step that computed some of it.
        first_token_ns: to the end of the step that sampled its first token.
        end_ns: to the end of the step that sampled its last token.
        end_step: which step that was, counted from 1.
        preemptions: how often it was preempted.
        cached_tokens: tokens found in the cache, at every admission.
        lost_tokens: tokens computed before a preemption, to be recomputed after it unless cached.
    """

    arrived_ns: Column
    scheduled_ns: Column
    first_token_ns: Column
    end_ns: Column
    end_step: Column
    preemptions: Column
    cached_tokens: Column
    lost_tokens: Column

    @classmethod
    def of(cls, engine: Engine) -> "RequestColumns":
        """Return the columns of a finished run."""
        lists = {"arrived_ns": engine.arrived_ns, **vars(engine.ledger)}
        return cls(**{name: np.array(values, dtype=np.int64) for name, values in lists.items()})
