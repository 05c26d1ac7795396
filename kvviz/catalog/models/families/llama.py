"""Meta's Llama 1 to 3, and the many decoders of its layout."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import Heads, head_counts
from kvviz.catalog.models.parts.mlp import gated_decoder
from kvviz.catalog.models.parts.vision import COLOURS, patches, sizes, vit_blocks


def llama(config: Config) -> Draft:
    """Llama 1 to 3, and what copies its layout: TinyLlama, SmolLM, Yi, CodeLlama."""
    bias = config.flag("attention_bias", False)
    return gated_decoder(
        begin(config), Heads(*head_counts(config, kv_default=True), bias=bias, out_bias=bias)
    )


def _clip(vision: Config, hidden: int) -> int:
    """Return LLaVA's tower: CLIP, then two matrices."""
    depth, width, inner = sizes(vision)
    embed = COLOURS * vision.whole("patch_size") ** 2 * width + width
    places = (patches(vision) ** 2 + 1) * width
    project = width * hidden + hidden**2 + 2 * hidden
    return vit_blocks(depth, width, inner) + embed + places + 4 * width + project


FAMILIES = (Family(("llama", "granite"), llama, towers={"clip_vision_model": _clip}),)
