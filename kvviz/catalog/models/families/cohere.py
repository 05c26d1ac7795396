"""Cohere's Command R."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import Heads, attention, head_counts
from kvviz.catalog.models.parts.mlp import finish, gated_mlp, norms


def cohere(config: Config) -> Draft:
    """Command R: attention and a gated MLP side by side behind one norm without bias."""
    draft = begin(config, tied=True, context=8192)
    query, kv, dim = head_counts(config, kv_default=True)
    norm = (query + kv) * dim if config.flag("use_qk_norm", False) else 0
    bias = config.flag("attention_bias", False)
    heads = Heads(query, kv, dim, bias, bias, norm)
    width = config.whole("intermediate_size")
    for layer in range(draft.depth):
        attention(draft, heads)
        gated_mlp(draft, layer, width)
        norms(draft, layer, 1)
    return finish(draft)


FAMILIES = (Family(("cohere",), cohere),)
