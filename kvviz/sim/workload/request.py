"""A request on its way through the engine."""

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Request:
    """One request's lengths and progress, in tokens.

    Args:
        index: its place in the workload.
        prompt: tokens of the prompt.
        tokens: prompt and sampled tokens so far; grows by one whenever all are computed.
        last: tokens at which it ends, the output included.
        arrived: nanoseconds from the start of the run to its arrival.
        computed: tokens whose keys and values are in the cache.
        table: its block table, physical ids in logical order.
        registered: leading blocks of the table whose content is known to the pool.
        number: its place in the order of those that decode.
        shift: the engine's steps less `computed`, constant while it decodes.
    """

    index: int
    prompt: int
    tokens: int
    last: int
    arrived: int = 0
    computed: int = 0
    table: list[int] = field(default_factory=list)
    registered: int = 0
    number: int = 0
    shift: int = 0

    @property
    def left(self) -> int:
        """Tokens known but not computed: the prompt's rest, or the one sampled last."""
        return self.tokens - self.computed
