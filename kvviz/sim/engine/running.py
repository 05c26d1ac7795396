"""Running requests, as a policy sees them in the fast engine."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import overload

from kvviz.sim.engine.decoding import Decoding
from kvviz.sim.workload.request import Request


class Running(Sequence[Request]):
    """Running requests in the order in which they joined, at one step.

    A decoding request's progress is stored only when it is looked at.

    Args:
        decoding: those that decode, the first of all.
        prefilling: those whose prompts are computed.
        step: the engine's steps done.
    """

    def __init__(self, decoding: Decoding, prefilling: deque[Request], step: int) -> None:
        self._decoding, self._prefilling, self._step = decoding, prefilling, step

    def __len__(self) -> int:
        return len(self._decoding) + len(self._prefilling)

    def __iter__(self) -> Iterator[Request]:
        for request in self._decoding.requests.values():
            yield self._decoding.caught_up(request, self._step)
        yield from self._prefilling

    @overload
    def __getitem__(self, place: int) -> Request: ...
    @overload
    def __getitem__(self, place: slice) -> list[Request]: ...
    def __getitem__(self, place: int | slice) -> Request | list[Request]:
        """Return the request at a place, the last one at once."""
        if place != -1:
            return list(self)[place]
        if self._prefilling:
            return self._prefilling[-1]
        last = next(reversed(self._decoding.requests.values()))
        return self._decoding.caught_up(last, self._step)
