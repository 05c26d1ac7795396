"""What became of each request: one row each, filled in while the engine runs."""

from collections.abc import Iterable

NEVER = -1


class Ledger:
    """Lists with an entry per request, in nanoseconds, tokens and counts; `NEVER` until it happens.

    Args:
        requests: how many.
    """

    def __init__(self, requests: int) -> None:
        self.scheduled_ns = [NEVER] * requests
        self.first_token_ns = [NEVER] * requests
        self.end_ns = [NEVER] * requests
        self.end_step = [NEVER] * requests  # counted from 1
        self.preemptions = [0] * requests
        self.cached_tokens = [0] * requests  # found in the cache at every admission
        self.lost_tokens = [0] * requests  # computed before a preemption, to be recomputed

    def scheduled(self, requests: Iterable[int], clock: int) -> None:
        """Note that a step starts that computes tokens of `requests`."""
        for index in requests:
            if self.scheduled_ns[index] == NEVER:
                self.scheduled_ns[index] = clock

    def preempted(self, index: int, computed: int) -> None:
        """Note that a request was preempted, and its tokens have to be recomputed."""
        self.preemptions[index] += 1
        self.lost_tokens[index] += computed

    def sampled(self, index: int, clock: int) -> None:
        """Note that a request has a new token."""
        if self.first_token_ns[index] == NEVER:
            self.first_token_ns[index] = clock

    def ended(self, index: int, clock: int, step: int) -> None:
        """Note that a request has its last token."""
        self.end_ns[index] = clock
        self.end_step[index] = step
