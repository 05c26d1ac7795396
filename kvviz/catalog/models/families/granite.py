"""IBM's Granite 4: Mamba-2 beside attention."""

from dataclasses import replace
from typing import Final

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import Heads, attention, head_counts
from kvviz.catalog.models.parts.experts import read_experts, routed
from kvviz.catalog.models.parts.mlp import finish, gated_mlp, norms
from kvviz.catalog.models.parts.recurrent import mamba2

GRANITE_TYPES: Final = ("mamba", "attention")


def granite_hybrid(config: Config) -> Draft:
    """Granite 4: Mamba-2 or attention, then experts (where there are any) and a shared MLP."""
    draft = begin(config)
    types = config.words("layer_types", GRANITE_TYPES)
    config.per_layer("layer_types", types, draft.depth)
    bias = config.flag("attention_bias", False)
    heads = Heads(*head_counts(config, kv_default=True), bias=bias, out_bias=bias)
    for layer, kind in enumerate(types):
        if kind == "attention":
            attention(draft, heads)
        else:
            _granite_mamba(draft)
        _granite_mlp(draft, layer)
        norms(draft, layer, 2)
    return finish(draft)


def _granite_mamba(draft: Draft) -> None:
    """Add a Mamba-2 layer with the sizes that Granite names."""
    config = draft.config
    width, heads = config.whole("mamba_expand") * draft.hidden, config.whole("mamba_n_heads")
    config.divides("mamba_n_heads", heads, "hidden_size", width)
    groups, state = config.whole("mamba_n_groups"), config.whole("mamba_d_state")
    mamba2(draft, heads, width // heads, groups, state, config.whole("mamba_d_conv"), "mamba")


def _granite_mlp(draft: Draft, layer: int) -> None:
    """Add the experts, where there are any, and the MLP that every token goes through."""
    config = draft.config
    if config.whole_or("num_local_experts", 0, low=0):
        found = read_experts(config, "num_local_experts", "intermediate_size")
        routed(draft, layer, replace(found, module="block_sparse_moe", router="router"))
    gated_mlp(draft, layer, config.whole("shared_intermediate_size"), "shared_mlp")


FAMILIES = (Family(("granitemoehybrid",), granite_hybrid, rotary=None),)
