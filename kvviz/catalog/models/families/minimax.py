"""MiniMax M1 and M2."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer
from kvviz.catalog.models.parts.attention import Heads, attention, wide_heads
from kvviz.catalog.models.parts.experts import (
    as_mixtral,
    note_prediction_layers,
    read_experts,
    routed,
)
from kvviz.catalog.models.parts.mlp import finish, norms


def minimax_m1(config: Config) -> Draft:
    """MiniMax M1: seven layers of lightning attention, then one of softmax attention."""
    draft = begin(config)
    types = config.numbers("attn_type_list", high=1)
    config.per_layer("attn_type_list", types, draft.depth)
    heads = Heads(*wide_heads(config))
    experts = as_mixtral(read_experts(config, "num_local_experts", "intermediate_size"))
    for layer, softmax in enumerate(types):
        if softmax:
            attention(draft, heads)
        else:
            _lightning(draft, heads)
        routed(draft, layer, experts)
        norms(draft, layer, 2)
    return finish(draft)


def _lightning(draft: Draft, heads: Heads) -> None:
    """Add a lightning attention layer: a square matrix of state for each head."""
    layer, width = len(draft.layers), heads.query * heads.dim
    state = heads.query * heads.dim * heads.dim
    draft.layers.append(
        Layer("linear", heads.query, 0, heads.dim, 0, state_values=state, recurrence="lightning")
    )
    part, weights = "linear attention", draft.weights
    weights.matrix(part, layer, "self_attn.qkv_proj", 3 * draft.hidden * width)
    weights.matrix(part, layer, "self_attn.output_gate", draft.hidden * width)
    weights.matrix(part, layer, "self_attn.out_proj", width * draft.hidden)
    weights.vector("norm", layer, width)


def minimax_m2(config: Config) -> Draft:
    """MiniMax M2: norms over all queries and all keys, a correction bias for each expert."""
    draft = begin(config)
    experts = as_mixtral(read_experts(config, "num_local_experts", "intermediate_size"))
    query, kv, dim = wide_heads(config)
    config.text("qk_norm_type", ("per_layer",))
    norm = (query + kv) * dim if config.flag("use_qk_norm", True) else 0
    bias = "fp32" if config.flag("use_routing_bias", True) else None
    for layer in range(draft.depth):
        attention(draft, Heads(query, kv, dim, norm=norm))
        routed(draft, layer, experts, bias)
        norms(draft, layer, 2)
    note_prediction_layers(config, "num_mtp_modules")
    return finish(draft)


FAMILIES = (Family(("minimax_m1",), minimax_m1), Family(("minimax_m2",), minimax_m2))
