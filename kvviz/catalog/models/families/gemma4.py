"""Google's Gemma 4 with experts."""

from dataclasses import replace

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer
from kvviz.catalog.models.parts.attention import (
    Heads,
    Span,
    attention_weights,
    spans_of_types,
    wide_heads,
)
from kvviz.catalog.models.parts.experts import Experts, read_experts, routed
from kvviz.catalog.models.parts.mlp import finish, gated_mlp, norms
from kvviz.catalog.models.parts.vision import COLOURS, sizes, vit_blocks


def gemma4(config: Config) -> Draft:
    """Gemma 4 with experts: each layer has a dense MLP beside them, and seven norms."""
    draft = begin(config, tied=True)
    if config.whole_or("hidden_size_per_layer_input", 0, low=0):
        found = config.whole("hidden_size_per_layer_input")
        raise config.wrong("hidden_size_per_layer_input", found, "0")
    if not config.flag("enable_moe_block", False):
        raise config.wrong("enable_moe_block", False, "true")
    spans = spans_of_types(config, draft.depth)
    if spans is None:
        raise config.missing("layer_types", "one entry for each layer")
    routed_ones = read_experts(config, "num_experts", "moe_intermediate_size", "top_k_experts")
    experts = replace(routed_ones, module="", router="router.proj")
    for span in spans:
        _gemma4_layer(draft, span, experts)
    return finish(draft)


def _gemma4_layer(draft: Draft, span: Span, experts: Experts) -> None:
    """Add one Gemma 4 layer; full ones have heads of their own and may share K as V."""
    layer = len(draft.layers)
    _gemma4_attention(draft, span)
    gated_mlp(draft, layer, draft.config.whole("intermediate_size"))
    routed(draft, layer, experts)
    # The router scales its input by channel and its output by expert.
    draft.weights.vector("router", layer, draft.hidden + experts.count)
    norms(draft, layer, 7)
    draft.weights.vector("norm", layer, 1)


def _gemma4_attention(draft: Draft, span: Span) -> None:
    """Add the attention of a Gemma 4 layer.

    Where keys are values they share a projection, and both are cached all the same.
    """
    config, full = draft.config, span.kind == "full"
    query, kv, dim = wide_heads(config)
    shared = full and config.flag("attention_k_eq_v", False)
    if full:
        dim = config.whole_or("global_head_dim", dim)
    if shared:
        kv = config.whole_or("num_global_key_value_heads", kv)
        config.divides("num_global_key_value_heads", kv, "num_attention_heads", query)
    layer = len(draft.layers)
    cached = 0 if _reuses_cache(draft) else 2 * kv * dim
    draft.layers.append(Layer(span.kind, query, kv, dim, cached, window=span.window))
    attention_weights(draft, layer, Heads(query, kv, dim, norm=2 * dim), one_tensor=shared)


def _reuses_cache(draft: Draft) -> bool:
    """Tell whether the next layer reads the cache of an earlier one and adds none."""
    shared = draft.config.whole_or("num_kv_shared_layers", 0, low=0)
    return len(draft.layers) >= draft.depth - shared


def _tower(vision: Config, hidden: int) -> int:
    """Return gemma-4's tower: gated MLPs, four norms per block, places by row and by column.

    A load logged by vLLM 0.19 is 0.5 % larger than with this count.
    """
    depth, width, inner = sizes(vision)
    embed = COLOURS * vision.whole("patch_size") ** 2 * width
    places = 2 * vision.whole("position_embedding_size") * width
    blocks = vit_blocks(depth, width, inner, gated=True, bias=False, norm=2)
    return blocks + embed + places + width * hidden


FAMILIES = (Family(("gemma4",), gemma4, towers={"gemma4_vision": _tower}),)
