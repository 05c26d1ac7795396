"""What a scheduler asks of a KV cache, whatever its layout."""

from collections.abc import Iterable, Sized
from typing import Protocol

from kvviz.memory.kv import Tokens
from kvviz.settings.serving import Serving
from kvviz.sim.cache.blocks import Freed
from kvviz.sim.cache.keys import Key
from kvviz.sim.workload.request import Request
from kvviz.sim.workload.workload import Workload


class Requests(Iterable[Request], Sized, Protocol):
    """Requests to act on together, in running order."""


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

    def release(self, request: Request, new: int = 0) -> Freed:
        """Free a request's room, including that for `new` tokens after the computed ones."""

    def take(self, requests: Requests) -> list[int]:
        """Give one block to each of `requests`; there are as many free."""

    def fill(self, requests: Requests) -> None:
        """Note that each of `requests` has filled its last block."""

    def shared(self, hits: list[int]) -> list[int]:
        """Return those of `hits` that other requests hold."""

    def next_key(self, request: Request, hits: list[int]) -> Key | None:
        """Return the key of the content that a waiting request could hit next, after `hits`."""

    def knows(self, key: Key) -> bool:
        """Return whether some block holds the content of `key`."""

    def counted(self) -> "Cache":
        """Return an equivalent cache that only counts blocks."""


class CacheClass(Protocol):
    """A kind of KV cache, as a policy names it."""

    on_demand: bool

    def __call__(self, serving: Serving, num_blocks: int, workload: Workload) -> Cache:
        """Return an empty cache of `num_blocks`, the null block included."""

    def largest(
        self, serving: Serving, num_blocks: int, prompt: Tokens, last: Tokens
    ) -> tuple[int, Tokens]:
        """Return the blocks that one request can have, and those that each request needs.

        Args:
            serving: the engine's limits.
            num_blocks: blocks of the pool, the null block included.
            prompt: tokens of each prompt; shape (requests,).
            last: tokens with which each request ends; shape (requests,).
        """


class Unshared:
    """A cache without prefix caching."""

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
