"""Mistral: windows, and Mixtral's experts."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import (
    FULL,
    Heads,
    Span,
    attention,
    head_counts,
    span_of,
    window_everywhere,
)
from kvviz.catalog.models.parts.experts import as_mixtral, read_experts, routed
from kvviz.catalog.models.parts.mlp import finish, gated_decoder, norms
from kvviz.catalog.models.parts.vision import COLOURS, sizes, vit_blocks


def mistral(config: Config) -> Draft:
    """Mistral: every layer slides unless ``sliding_window`` is null; 4,096 is the default."""
    draft = begin(config)
    if not config.declares("sliding_window"):
        slides = Span("sliding", config.documented("sliding_window", 4096))
        return gated_decoder(draft, Heads(*head_counts(config)), [slides] * draft.depth)
    return gated_decoder(draft, Heads(*head_counts(config)), window_everywhere(draft))


def mixtral(config: Config) -> Draft:
    """Mixtral: every MLP is a set of experts."""
    draft = begin(config)
    experts = as_mixtral(read_experts(config, "num_local_experts", "intermediate_size"))
    heads = Heads(*head_counts(config))
    span = span_of(config, "sliding") if config.has("sliding_window") else FULL
    for layer in range(draft.depth):
        attention(draft, heads, span)
        routed(draft, layer, experts)
        norms(draft, layer, 2)
    return finish(draft)


def _pixtral(vision: Config, hidden: int) -> int:
    """Return Mistral 3's tower: gated MLPs, no biases, a merger of four patches."""
    depth, width, inner = sizes(vision)
    embed = COLOURS * vision.whole("patch_size") ** 2 * width + width
    project = width + 4 * width**2 + width * hidden + hidden**2
    return vit_blocks(depth, width, inner, gated=True, bias=False, norm=1) + embed + project


FAMILIES = (
    Family(("mistral",), mistral, towers={"pixtral": _pixtral}),
    Family(("mixtral",), mixtral),
)
