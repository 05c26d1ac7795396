"""Meta's Llama 4."""

from dataclasses import replace
from functools import partial

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
from kvviz.catalog.models.parts.experts import read_experts, routed
from kvviz.catalog.models.parts.mlp import finish, gated_mlp, norms
from kvviz.catalog.models.parts.vision import COLOURS, patches, sizes, vit_blocks


def llama4(config: Config) -> Draft:
    """Llama 4: one shared expert beside the routed ones; three layers of four in chunks."""
    draft = begin(config)
    experts = replace(
        read_experts(config, "num_local_experts", "intermediate_size"),
        module="feed_forward",
        router="router",
    )
    heads = Heads(*wide_heads(config))
    sparse = _llama4_sparse(draft)
    for layer, span in enumerate(_llama4_spans(draft)):
        attention(draft, heads, span)
        add = partial(gated_mlp, draft, layer)
        if layer in sparse:
            routed(draft, layer, experts)
            add(experts.width, "feed_forward.shared_expert", "shared experts")
        else:
            add(config.whole("intermediate_size_mlp"), "feed_forward")
        norms(draft, layer, 2)
    return finish(draft)


def _llama4_sparse(draft: Draft) -> set[int]:
    """Return the layers with experts: the listed ones, or the last of each step."""
    listed = draft.config.numbers("moe_layers", high=draft.depth - 1)
    if listed:
        return set(listed)
    step = draft.config.whole_or("interleave_moe_layer_step", 1)
    return set(range(step - 1, draft.depth, step))


def _llama4_spans(draft: Draft) -> list[Span]:
    """Return full attention where positions are not rotated (every fourth layer), else chunks."""
    config = draft.config
    found = spans_of_types(config, draft.depth)
    if found is not None:
        return found
    rotated = config.numbers("no_rope_layers", high=1)
    if rotated:
        config.per_layer("no_rope_layers", rotated, draft.depth)
    else:
        every = config.documented("no_rope_layer_interval", 4)
        rotated = [1 if (layer + 1) % every else 0 for layer in range(draft.depth)]
    chunk = span_of(config, "chunked")
    return [chunk if rotates else FULL for rotates in rotated]


def _tower(vision: Config, hidden: int) -> int:
    """Return Llama 4's tower: blocks, a pixel shuffle of 2 x 2 through two matrices, one more."""
    depth, width, inner = sizes(vision)
    out, middle = vision.whole("vision_output_dim"), vision.whole("projector_output_dim")
    embed = COLOURS * vision.whole("patch_size") ** 2 * width + width
    places = (patches(vision) ** 2 + 1) * width
    shuffle = 4 * width * middle + middle * out
    return vit_blocks(depth, width, inner) + embed + places + 4 * width + shuffle + out * hidden


FAMILIES = (Family(("llama4",), llama4, towers={"llama4_vision_model": _tower}),)
