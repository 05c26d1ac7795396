"""Meta's OPT: layer norms, learned positions, biases everywhere."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import Heads, attention, plain_heads
from kvviz.catalog.models.parts.mlp import finish, norms, plain_mlp


def opt(config: Config) -> Draft:
    """OPT: learned positions with two spare rows, biases everywhere, tied head."""
    draft = begin(config, tied=True)
    if config.whole_or("word_embed_proj_dim", draft.hidden) != draft.hidden:
        found = config.whole("word_embed_proj_dim")
        raise config.wrong("word_embed_proj_dim", found, f"hidden_size {draft.hidden:,}")
    draft.weights.vector("embedding", None, (draft.context + 2) * draft.hidden)
    heads = Heads(*plain_heads(config), bias=True, out_bias=True)
    width = config.whole("intermediate_size")
    for layer in range(draft.depth):
        attention(draft, heads)
        plain_mlp(draft, layer, width, bias=True)
        norms(draft, layer, 2, bias=True)
    return finish(draft, norm_bias=True)


FAMILIES = (Family(("opt",), opt, keys={"intermediate_size": ("ffn_dim",)}, rotary=None),)
