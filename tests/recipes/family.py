"""Toy: Llama's layers under names of its own, with learned positions."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import Heads, head_counts
from kvviz.catalog.models.parts.mlp import gated_decoder


def toy(config: Config) -> Draft:
    """Toy: biases on queries, keys and values; a weight for each position."""
    draft = begin(config)
    draft.weights.vector("embedding", None, draft.context * draft.hidden)
    return gated_decoder(draft, Heads(*head_counts(config), bias=True))


FAMILIES = (Family(("toy",), toy, keys={"hidden_size": ("width",)}, rotary=None),)
