"""Google's Gemma 1 to 3: tied embeddings, wide heads, windows in most layers."""

from collections.abc import Sequence

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer
from kvviz.catalog.models.parts.attention import (
    FULL,
    Heads,
    Span,
    attention,
    span_of,
    spans_of_types,
    wide_heads,
)
from kvviz.catalog.models.parts.mlp import finish, gated_mlp, norms
from kvviz.catalog.models.parts.vision import COLOURS, patches, sizes, vit_blocks
from kvviz.catalog.models.rotary import is_stretched, rotary_values, rotated


def gemma(config: Config) -> Draft:
    """Gemma 1: two norms per layer, full attention."""
    draft = begin(config, tied=True)
    return _decoder(draft, Heads(*wide_heads(config)), [FULL] * draft.depth, 2)


def gemma2(config: Config) -> Draft:
    """Gemma 2: four norms per layer; layers of even index slide."""
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


def _gemma3_rotary(config: Config, context: int, layers: Sequence[Layer]) -> int:
    """Return the numbers of one table, and of the windowed layers', which are not stretched."""
    tables = rotary_values(config, context, layers)
    if not (is_stretched(config) and config.has("sliding_window")):
        return tables
    windowed = [layer for layer in layers if layer.window is not None] or layers
    return tables + context * rotated(config, windowed[-1].head_dim)


def _siglip(vision: Config, hidden: int) -> int:
    """Return gemma-3's tower: SigLIP, then a norm and one matrix."""
    depth, width, inner = sizes(vision)
    embed = COLOURS * vision.whole("patch_size") ** 2 * width + width
    places = patches(vision) ** 2 * width
    return vit_blocks(depth, width, inner) + embed + places + 2 * width + width * hidden + width


FAMILIES = (
    Family(("gemma",), gemma),
    Family(("gemma2",), gemma2),
    Family(("gemma3",), gemma3, rotary=_gemma3_rotary, towers={"siglip_vision_model": _siglip}),
)
