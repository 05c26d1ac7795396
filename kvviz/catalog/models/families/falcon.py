"""TII's Falcon: attention and MLP side by side, one KV head or few."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import Heads, attention, plain_heads
from kvviz.catalog.models.parts.mlp import finish, norms, plain_mlp


def falcon(config: Config) -> Draft:
    """Falcon: one KV head under ``multi_query``, whatever ``num_kv_heads`` says."""
    draft = begin(config, tied=True, context=2048)
    bias = config.flag("bias", False)
    heads = _falcon_heads(config, bias)
    width = config.whole_or("ffn_hidden_size", 4 * draft.hidden)
    for layer in range(draft.depth):
        attention(draft, heads, module="self_attention")
        plain_mlp(draft, layer, width, bias=bias)
        norms(draft, layer, _falcon_norms(config), bias=True)
    return finish(draft, norm_bias=True)


def _new_decoder(config: Config) -> bool:
    """Tell Falcon-40B's architecture, which its first ``model_type`` implies, from Falcon-7B's."""
    return config.flag("new_decoder_architecture", config.text("model_type") == "RefinedWeb")


def _falcon_heads(config: Config, bias: bool) -> Heads:
    """Return Falcon's heads: the new architecture's KV heads, one, or all of them."""
    query, _, dim = plain_heads(config)
    kv = query
    if _new_decoder(config):
        kv = config.whole_or("num_kv_heads", query)
        config.divides("num_kv_heads", kv, "num_attention_heads", query)
    elif config.flag("multi_query", True):
        kv = 1
        config.note("multi_query: one KV head, whatever num_kv_heads says")
    return Heads(query, kv, dim, bias, bias)


def _falcon_norms(config: Config) -> int:
    """Return the norms of a layer: one where attention and MLP share theirs."""
    if _new_decoder(config):
        return config.whole_or("num_ln_in_parallel_attn", 2)
    return 1 if config.flag("parallel_attn", True) else 2


FALCON_KEYS = {
    "num_hidden_layers": ("n_layer",),
    "num_attention_heads": ("n_head",),
    "num_kv_heads": ("n_head_kv",),
}
FAMILIES = (Family(("falcon", "RefinedWeb"), falcon, keys=FALCON_KEYS),)
