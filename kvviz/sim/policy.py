"""What a scheduling policy decides: where keys and values go, and when a request may join."""

from dataclasses import dataclass

from kvviz.sim.cache.paged import PagedCache
from kvviz.sim.cache.reserved import ReservedCache


@dataclass(frozen=True, slots=True)
class Policy:
    """A way to schedule requests.

    Args:
        title: its name on screen.
        cache: how keys and values are kept.
        engine: the engine whose plan and limits it runs under where no other is asked for.
        whole_batches: requests join only an idle engine, as many as there is room for, and keep
            their room until the last of them has ended; else they come and go at every step.
    """

    title: str
    cache: type[PagedCache | ReservedCache]
    engine: str = "textbook"
    whole_batches: bool = False
