"""Hybrids of attention and linear attention: Qwen3-Next, Qwen3.5, MiniMax M1."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.families.blocks import (
    FULL,
    Heads,
    attention,
    finish,
    norms,
    read_experts,
    routed,
    spans_of_types,
    wide_heads,
)
from kvviz.catalog.models.families.moe import (
    as_mixtral,
    note_prediction_layers,
    qwen_dense_layers,
    qwen_mlp,
)
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer

STATE_DTYPES = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}


def read_state_dtype(config: Config) -> str:
    """Return the dtype of recurrent state: fp32 unless the config names another."""
    for key in ("mamba_ssm_dtype", "mamba_ssm_cache_dtype"):
        name = config.text(key, STATE_DTYPES)
        if name is not None:
            return STATE_DTYPES[name]
    return "fp32"


def qwen3_next(config: Config) -> Draft:
    """Qwen3-Next and Qwen3.5: gated attention every fourth layer, Gated DeltaNet in the others."""
    draft = begin(config)
    draft.state_dtype = read_state_dtype(config)
    query, kv, dim = wide_heads(config)
    gated = config.flag("attn_output_gate", True)
    bias = config.flag("attention_bias", False)
    heads = Heads(query, kv, dim, bias, bias, norm=2 * dim, gated=gated)
    dense = qwen_dense_layers(draft) if config.has("num_experts") else set(range(draft.depth))
    for layer, full in enumerate(_full_layers(draft)):
        if full:
            attention(draft, heads)
        else:
            _delta_net(draft)
        qwen_mlp(draft, layer, layer in dense)
        norms(draft, layer, 2)
    note_prediction_layers(config, "mtp_num_hidden_layers")
    return finish(draft)


def _full_layers(draft: Draft) -> list[bool]:
    """Return which layers have attention: the listed ones, or the last of each interval."""
    config = draft.config
    found = spans_of_types(config, draft.depth)
    if found is not None:
        return [span == FULL for span in found]
    every = config.documented("full_attention_interval", 4)
    return [not (layer + 1) % every for layer in range(draft.depth)]


def _delta_net(draft: Draft) -> None:
    """Add a Gated DeltaNet layer: a matrix of key by value for each value head."""
    config, weights, layer = draft.config, draft.weights, len(draft.layers)
    key_heads, heads = config.whole("linear_num_key_heads"), config.whole("linear_num_value_heads")
    key_dim, dim = config.whole("linear_key_head_dim"), config.whole("linear_value_head_dim")
    config.divides("linear_num_key_heads", key_heads, "linear_num_value_heads", heads)
    kernel = config.whole("linear_conv_kernel_dim")
    values = heads * dim
    channels = 2 * key_heads * key_dim + values
    state, conv = heads * key_dim * dim, (kernel - 1) * channels
    draft.layers.append(Layer("linear", heads, 0, key_dim, 0, state_values=state, conv_values=conv))
    part, module = "linear attention", "linear_attn"
    weights.matrix(part, layer, f"{module}.in_proj_qkvz", draft.hidden * (channels + values))
    weights.matrix(part, layer, f"{module}.in_proj_ba", draft.hidden * 2 * heads)
    weights.matrix(part, layer, f"{module}.out_proj", values * draft.hidden)
    weights.vector(part, layer, channels * kernel + 2 * heads, "tp")
    weights.vector("norm", layer, dim)


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
    draft.layers.append(Layer("linear", heads.query, 0, heads.dim, 0, state_values=state))
    part, weights = "linear attention", draft.weights
    weights.matrix(part, layer, "self_attn.qkv_proj", 3 * draft.hidden * width)
    weights.matrix(part, layer, "self_attn.output_gate", draft.hidden * width)
    weights.matrix(part, layer, "self_attn.out_proj", width * draft.hidden)
    weights.vector("norm", layer, width)
