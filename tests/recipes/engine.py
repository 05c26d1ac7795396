"""Toy: an engine that keeps a gibibyte for itself and pages 32 tokens a block."""

from dataclasses import replace

from kvviz.engines.base import Layout, Taken
from kvviz.engines.textbook import Textbook
from kvviz.settings.deployment import Deployment
from kvviz.units import GiB


class Toy(Textbook):
    """The textbook's rules but for what is said here."""

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


ENGINE = Toy()
