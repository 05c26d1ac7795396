"""Toy: an engine that keeps a gibibyte for itself and allocates blocks of 32 tokens."""

from dataclasses import replace

from kvviz.engines.base import Taken
from kvviz.engines.failures import failure_in, failure_lines
from kvviz.engines.layout import Layout
from kvviz.engines.lines import Lines, figures
from kvviz.engines.logged import Failure, LoggedRun
from kvviz.engines.textbook import Textbook
from kvviz.settings.deployment import Deployment
from kvviz.units import GiB

LINES = Lines(figures((r"toy keeps <n> tokens in <size>", "kv_tokens kv_cache_gib")))
FAILURES = failure_lines(("no_blocks", r"toy is full", ""))


class Toy(Textbook):
    """The textbook's rules, except what is overridden here."""

    name = "toy"
    label = "Toy"
    versions = ((1, 0, 0),)
    newest = (1, 0, 0)

    def taken(self, deployment: Deployment) -> Taken:
        """Return what one GPU holds beside weights and KV cache."""
        return Taken(non_torch=GiB)

    def layouts(self, deployment: Deployment) -> tuple[Layout | None, ...]:
        """Return how each pipeline stage cuts its KV cache into blocks."""
        return super().layouts(replace(deployment, block_size=32))

    def read(self, log: str) -> LoggedRun | None:
        """Return what a start-up log says, None where no line of it is Toy's."""
        return LINES.read(self, log)

    def failure(self, line: str) -> Failure | None:
        """Return why a start failed where a line of the log says so, else None."""
        return failure_in(line, FAILURES)


ENGINE = Toy()
