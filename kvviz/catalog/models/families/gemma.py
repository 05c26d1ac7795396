"""Gemma 1 to 4: tied embeddings, wide heads, windows in most layers."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.families.blocks import (
    FULL,
    Experts,
    Heads,
    Span,
    attention,
    attention_weights,
    finish,
    gated_mlp,
    norms,
    read_experts,
    routed,
    span_of,
    spans_of_types,
    wide_heads,
)
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer


def gemma(config: Config) -> Draft:
    """Gemma 1: two norms a layer, full attention."""
    draft = begin(config, tied=True)
    return _decoder(draft, Heads(*wide_heads(config)), [FULL] * draft.depth, 2)


def gemma2(config: Config) -> Draft:
    """Gemma 2: four norms a layer; layers of even index slide."""
    draft = begin(config, tied=True)
    found = spans_of_types(config, draft.depth)
    spans = found or _alternating(span_of(config, "sliding"), draft.depth, 2)
    return _decoder(draft, Heads(*wide_heads(config)), spans, 4)


def gemma3(config: Config) -> Draft:
    """Gemma 3: norms on queries and keys; every sixth layer is full.

    The files of some sizes leave out numbers that equal the defaults of transformers.
    """
    draft = begin(config, tied=True, vocab=262_208, context=131_072)
    query = config.documented("num_attention_heads", 8)
    kv = config.documented("num_key_value_heads", 4)
    config.divides("num_key_value_heads", kv, "num_attention_heads", query)
    dim = config.documented("head_dim", 256)
    spans = spans_of_types(config, draft.depth) or _gemma3_spans(draft)
    return _decoder(draft, Heads(query, kv, dim, norm=2 * dim), spans, 4)


def _gemma3_spans(draft: Draft) -> list[Span]:
    """Return Gemma 3's windows, all but every sixth layer."""
    config = draft.config
    window = config.documented("sliding_window", 4096)
    pattern = config.documented("sliding_window_pattern", 6)
    return _alternating(Span("sliding", window), draft.depth, pattern)


def _alternating(slides: Span, depth: int, every: int) -> list[Span]:
    """Return sliding layers with a full one at the end of each ``every``."""
    return [slides if (layer + 1) % every else FULL for layer in range(depth)]


def _decoder(draft: Draft, heads: Heads, spans: list[Span], norm_count: int) -> Draft:
    """Add layers of attention, a gated MLP and norms."""
    width = draft.config.whole("intermediate_size")
    for layer, span in enumerate(spans):
        attention(draft, heads, span)
        gated_mlp(draft, layer, width)
        norms(draft, layer, norm_count)
    return finish(draft)


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
    experts = read_experts(config, "num_experts", "moe_intermediate_size", "top_k_experts")
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
    """Add the attention of a Gemma 4 layer; where keys are values, one tensor is cached."""
    config, full = draft.config, span.kind == "full"
    query, kv, dim = wide_heads(config)
    shared = full and config.flag("attention_k_eq_v", False)
    if full:
        dim = config.whole_or("global_head_dim", dim)
    if shared:
        kv = config.whole_or("num_global_key_value_heads", kv)
        config.divides("num_global_key_value_heads", kv, "num_attention_heads", query)
    layer, copies = len(draft.layers), 1 if shared else 2
    cached = 0 if _reuses_cache(draft) else copies * kv * dim
    draft.layers.append(Layer(span.kind, query, kv, dim, cached, window=span.window))
    attention_weights(draft, layer, Heads(query, kv, dim, norm=2 * dim), one_tensor=shared)


def _reuses_cache(draft: Draft) -> bool:
    """Tell whether the next layer reads the cache of an earlier one and adds none."""
    shared = draft.config.whole_or("num_kv_shared_layers", 0, low=0)
    return len(draft.layers) >= draft.depth - shared
