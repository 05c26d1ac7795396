"""Zhipu's GLM-4.5 and 4.6."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import Heads, attention, wide_heads
from kvviz.catalog.models.parts.experts import note_prediction_layers, shared_mlp
from kvviz.catalog.models.parts.mlp import finish, norms


def glm4_moe(config: Config) -> Draft:
    """GLM-4.5 and 4.6: first layers dense, then experts with a shared one."""
    draft = begin(config)
    query, kv, dim = wide_heads(config)
    norm = 2 * dim if config.flag("use_qk_norm", False) else 0
    heads = Heads(query, kv, dim, bias=config.flag("attention_bias", False), norm=norm)
    for layer in range(draft.depth):
        attention(draft, heads)
        shared_mlp(draft, layer, "fp32")
        norms(draft, layer, 2)
    note_prediction_layers(config, "num_nextn_predict_layers")
    return finish(draft)


FAMILIES = (Family(("glm4_moe",), glm4_moe),)
