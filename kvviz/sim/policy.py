"""What a scheduling policy decides: where keys and values go, and when a request may join."""

from collections.abc import Callable
from dataclasses import dataclass

from kvviz.serving import Serving
from kvviz.sim.cache import Cache
from kvviz.sim.workload import Workload


@dataclass(frozen=True, slots=True)
class Policy:
    """A way to schedule requests.

    Args:
        title: its name on screen.
        cache: makes the KV cache from the settings, the blocks of the pool (the null block
            included) and the requests.
        whole_batches: requests join only an idle engine, as many as there is room for, and keep
            their room until the last of them has ended; else they come and go at every step.
    """

    title: str
    cache: Callable[[Serving, int, Workload], Cache]
    whole_batches: bool = False
