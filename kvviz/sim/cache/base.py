"""What a scheduler asks of the KV cache, wherever requests keep their keys and values."""

from collections.abc import Iterable, Sized
from typing import Protocol

from kvviz.sim.cache.blocks import Freed
from kvviz.sim.cache.keys import Key
from kvviz.sim.workload.request import Request


class Requests(Iterable[Request], Sized, Protocol):
    """Requests of which something is asked at once, in running order."""


class Cache(Protocol):
    """What a scheduler asks of the KV cache; sizes are in blocks."""

    on_demand: bool  # whether a running request asks for more room as it goes
    shares: bool  # whether blocks of the same content are found again
    held: int  # blocks in the tables of all requests, shared ones as often as they are held

    @property
    def free(self) -> int:
        """Blocks that the next request could be given."""

    @property
    def cached(self) -> int:
        """Free blocks whose content could still be hit."""

    def hits(self, request: Request) -> list[int]:
        """Return the blocks of a waiting request's longest cached prefix."""

    def admit(self, request: Request, hits: list[int], new: int) -> bool:
        """Give a waiting request room for its first `new` tokens after `hits`; False: no room."""

    def grow(self, request: Request, new: int) -> bool:
        """Give a running request room for `new` more tokens; False: there is none."""

    def release(self, request: Request) -> Freed:
        """Take a request's room back."""

    def take(self, requests: Requests) -> list[int]:
        """Give one block to each of `requests`; there are as many free."""

    def fill(self, requests: Requests) -> None:
        """Note that each of `requests` has filled its last block."""

    def shared(self, hits: list[int]) -> list[int]:
        """Return those of `hits` that other requests hold."""

    def next_key(self, request: Request, hits: list[int]) -> Key | None:
        """Return the content that a waiting request would hit after `hits`, were it known."""

    def knows(self, key: Key) -> bool:
        """Return whether some block holds the content of `key`."""

    def counted(self) -> "Cache":
        """Return an equal cache that need not say which blocks it gives."""


class Unshared:
    """A cache that does not know what its blocks hold."""

    shares = False
    cached = 0

    def hits(self, request: Request) -> list[int]:
        """Return none."""
        return []

    def shared(self, hits: list[int]) -> list[int]:
        """Return none: there are no hits."""
        return []

    def fill(self, requests: Requests) -> None:
        """Do nothing."""

    def next_key(self, request: Request, hits: list[int]) -> Key | None:
        """Return None."""
        return None

    def knows(self, key: Key) -> bool:
        """Return False."""
        return False
