"""Dense decoders with rotary positions and a gated MLP: Llama, Mistral, Qwen, Phi-3, Granite."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.families.blocks import (
    FULL,
    Heads,
    Span,
    attention,
    finish,
    gated_mlp,
    head_counts,
    norms,
    span_of,
    spans_of_types,
    wide_heads,
)
from kvviz.catalog.models.fields import Config


def llama(config: Config) -> Draft:
    """Llama 1 to 3, and what copies its layout: TinyLlama, SmolLM, Yi, CodeLlama."""
    bias = config.flag("attention_bias", False)
    return _decoder(
        begin(config), Heads(*head_counts(config, kv_default=True), bias=bias, out_bias=bias)
    )


def mistral(config: Config) -> Draft:
    """Mistral: every layer slides unless ``sliding_window`` is null; 4,096 is the default."""
    draft = begin(config)
    if not config.declares("sliding_window"):
        slides = Span("sliding", config.documented("sliding_window", 4096))
        return _decoder(draft, Heads(*head_counts(config)), [slides] * draft.depth)
    return _decoder(draft, Heads(*head_counts(config)), _window_everywhere(draft))


def phi3(config: Config) -> Draft:
    """Phi-3 and Phi-4: every layer slides where ``sliding_window`` is set."""
    draft = begin(config)
    heads = Heads(*head_counts(config, kv_default=True))
    return _decoder(draft, heads, _window_everywhere(draft))


def qwen2(config: Config) -> Draft:
    """Qwen 1.5 to 2.5: biases on q, k and v only."""
    draft = begin(config)
    return _decoder(draft, Heads(*head_counts(config), bias=True), qwen_spans(draft))


def qwen3(config: Config) -> Draft:
    """Qwen3: no biases, norms on queries and keys."""
    draft = begin(config)
    return _decoder(draft, qwen3_heads(config), qwen_spans(draft))


def qwen3_heads(config: Config) -> Heads:
    """Return Qwen3's heads: a norm over each query and each key head, shared by the heads."""
    query, kv, dim = wide_heads(config)
    bias = config.flag("attention_bias", False)
    return Heads(query, kv, dim, bias, bias, norm=2 * dim)


def qwen_spans(draft: Draft) -> list[Span]:
    """Return full attention, or Qwen's windows from layer ``max_window_layers`` on."""
    config = draft.config
    found = spans_of_types(config, draft.depth)
    if found is not None:
        return found
    if not config.flag("use_sliding_window", False):
        return [FULL] * draft.depth
    first, slides = config.whole("max_window_layers", low=0), span_of(config, "sliding")
    return [FULL if layer < first else slides for layer in range(draft.depth)]


def _window_everywhere(draft: Draft) -> list[Span]:
    """Return windows in every layer where ``sliding_window`` is set, else full attention."""
    found = spans_of_types(draft.config, draft.depth)
    if found is not None:
        return found
    one = span_of(draft.config, "sliding") if draft.config.has("sliding_window") else FULL
    return [one] * draft.depth


def _decoder(draft: Draft, heads: Heads, spans: list[Span] | None = None) -> Draft:
    """Add layers of attention, a gated MLP and two norms."""
    width = draft.config.whole("intermediate_size")
    bias = draft.config.flag("mlp_bias", False)
    for layer, span in enumerate(spans or [FULL] * draft.depth):
        attention(draft, heads, span)
        gated_mlp(draft, layer, width, bias=bias)
        norms(draft, layer, 2)
    return finish(draft)
