"""Requests to be served: when each comes, how long it is, and what its prompt says."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kvviz.settings.scenario import ScenarioError
from kvviz.sim.workload.prompts import Pieces

NS = 1e9  # nanoseconds in a second
Column = NDArray[np.int64]
Contents = Callable[[int], NDArray[np.int64]]


@dataclass(frozen=True)
class Workload:
    """Requests in the order in which they come.

    Args:
        name: what it is called on screen, with where it comes from.
        arrival: nanoseconds after the start, or engine steps, ascending; shape (requests,).
        prompt: tokens of each prompt, at least 1; shape (requests,).
        output: tokens that each request asks for, at least 1; shape (requests,).
        contents: from a request's index to the token ids of its prompt, shape (prompt,); None
            where every prompt is taken to be unlike all others. Equal ids mean equal text.
        sampled: token id that every output token has; None where outputs are unlike all others.
        in_steps: whether `arrival` counts engine steps instead of nanoseconds.
        ids: names of the requests; their indices where empty.
        notes: sentences on where the numbers come from that whoever uses them should see.
        left_out: a sentence for each row of a trace that is no request.
    """

    name: str
    arrival: Column
    prompt: Column
    output: Column
    contents: Contents | None = None
    sampled: int | None = None
    in_steps: bool = False
    ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.prompt)

    def part(self, start: int, limit: int | None = None) -> "Workload":
        """Return the requests from `start` on, at most `limit`; a later first one comes at 0."""
        end = len(self) if limit is None else min(len(self), start + limit)
        arrival = self.arrival[start:end]
        return replace(
            self,
            arrival=arrival - (arrival[0] if 0 < start < end else 0),
            prompt=self.prompt[start:end],
            output=self.output[start:end],
            contents=_contents_from(self.contents, start, end),
            ids=self.ids[start:end],
        )

    def at_once(self) -> "Workload":
        """Return the same requests, all there from the start."""
        return replace(self, arrival=np.zeros_like(self.arrival))

    def at_rate(self, rate: float) -> "Workload":
        """Return the same requests at a mean of `rate` per second, all gaps scaled alike.

        Raises:
            ScenarioError: arrivals count steps, or all come at the same time.
        """
        span = int(self.arrival[-1] - self.arrival[0]) if len(self) else 0
        if self.in_steps or not span:
            raise ScenarioError(
                f"{self.name} has no request rate to change; expected arrivals over time"
            )
        factor = (len(self) - 1) / rate * NS / span
        arrival = np.rint((self.arrival - self.arrival[0]) * factor).astype(np.int64)
        return replace(self, arrival=arrival)


def _contents_from(contents: Contents | None, start: int, end: int) -> Contents | None:
    if contents is None or isinstance(contents, Pieces):
        return contents and contents.at(slice(start, end))
    return lambda index: contents(start + index)
