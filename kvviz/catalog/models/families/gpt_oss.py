"""OpenAI's gpt-oss."""

from dataclasses import replace

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import (
    FULL,
    Heads,
    Span,
    attention,
    span_of,
    spans_of_types,
    wide_heads,
)
from kvviz.catalog.models.parts.experts import Experts, read_experts, routed
from kvviz.catalog.models.parts.mlp import finish, norms


def gpt_oss(config: Config) -> Draft:
    """gpt-oss: attention sinks and biases everywhere; odd layers full, even ones windowed."""
    draft = begin(config)
    bias = config.flag("attention_bias", True)
    heads = Heads(*wide_heads(config), bias=bias, out_bias=bias)
    experts = replace(
        read_experts(config, "num_local_experts", "intermediate_size"), router="router"
    )
    for layer, span in enumerate(_gpt_oss_spans(draft)):
        attention(draft, heads, span)
        draft.weights.vector("attention", layer, heads.query, "tp")
        routed(draft, layer, experts, draft.storage.base)
        _expert_biases(draft, layer, experts)
        norms(draft, layer, 2)
    return finish(draft)


def _gpt_oss_spans(draft: Draft) -> list[Span]:
    """Return the listed spans, or by default a window in each layer of even index."""
    found = spans_of_types(draft.config, draft.depth)
    if found is not None:
        return found
    draft.config.note("layer_types is not in the config: windows in every other layer, the default")
    slides = span_of(draft.config, "sliding")
    return [FULL if layer % 2 else slides for layer in range(draft.depth)]


def _expert_biases(draft: Draft, layer: int, experts: Experts) -> None:
    """Add the biases of every expert's gate, up and down projection."""
    count = experts.count * (2 * experts.width + draft.hidden)
    share = (experts.used, experts.count)
    draft.weights.vector("experts", layer, count, "tp", share=share)


FAMILIES = (Family(("gpt_oss",), gpt_oss),)
