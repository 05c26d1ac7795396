"""Alibaba's dense Qwen: 1.5 to 3, and their models with vision."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import (
    FULL,
    Heads,
    Span,
    head_counts,
    span_of,
    spans_of_types,
    wide_heads,
)
from kvviz.catalog.models.parts.mlp import gated_decoder
from kvviz.catalog.models.parts.vision import COLOURS, sizes, vit_blocks


def qwen2(config: Config) -> Draft:
    """Qwen 1.5 to 2.5: biases on q, k and v only."""
    draft = begin(config)
    return gated_decoder(draft, Heads(*head_counts(config), bias=True), qwen_spans(draft))


def qwen3(config: Config) -> Draft:
    """Qwen3: no biases, norms on queries and keys."""
    draft = begin(config)
    return gated_decoder(draft, qwen3_heads(config), qwen_spans(draft))


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


def _qwen2_tower(vision: Config, hidden: int) -> int:
    """Return Qwen2.5-VL's tower: gated MLPs and norms without a bias."""
    depth, width, inner = sizes(vision, "depth")
    merged = width * vision.whole_or("spatial_merge_size", 2) ** 2
    cube = vision.whole("patch_size") ** 2 * vision.whole_or("temporal_patch_size", 2) * COLOURS
    merger = merged * (merged + 1) + merged * hidden + hidden + width
    return vit_blocks(depth, width, inner, gated=True, norm=1) + cube * width + merger


def qwen3_tower(vision: Config, hidden: int) -> int:
    """Return the tower of Qwen3-VL and Qwen3.5, with a merger of four patches for each exit."""
    depth, width, inner = sizes(vision, "depth")
    merged = width * vision.whole("spatial_merge_size") ** 2
    out = vision.whole_or("out_hidden_size", hidden)
    cube = vision.whole("patch_size") ** 2 * vision.whole("temporal_patch_size") * COLOURS
    embed = cube * width + width + vision.whole("num_position_embeddings") * width
    merger = merged * (merged + 1) + merged * out + out
    exits = len(vision.numbers("deepstack_visual_indexes"))
    norms = 2 * width + exits * 2 * merged
    return vit_blocks(depth, width, inner) + embed + (1 + exits) * merger + norms


FAMILIES = (
    Family(("qwen2", "qwen2_5_vl"), qwen2, towers={"qwen2_5_vl": _qwen2_tower}),
    Family(("qwen3", "qwen3_vl"), qwen3, towers={"qwen3_vl": qwen3_tower}),
)
