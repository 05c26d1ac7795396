"""The fast engine's queue: waiting requests in the order of a policy."""

from bisect import insort
from collections import deque
from collections.abc import Callable

from kvviz.sim.policies.base import Rank
from kvviz.sim.workload.request import Request


class Queue(deque[tuple[Rank, int, Request]]):
    """Requests with their ranks, sorted: the first joins next, ties by order of arrival.

    First come, first served puts requests at either end; another order pays for the search.
    """

    def put(self, rank: Rank, request: Request) -> None:
        """Put a request in its place."""
        entry = (rank, request.index, request)
        if not self or entry > self[-1]:
            self.append(entry)
        elif entry < self[0]:
            self.appendleft(entry)
        else:
            insort(self, entry)

    def rank_anew(self, rank: Callable[[Request], Rank]) -> None:
        """Sort all waiting requests by new ranks."""
        entries = sorted((rank(request), index, request) for _, index, request in self)
        self.clear()
        self.extend(entries)
