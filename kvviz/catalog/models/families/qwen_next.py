"""Alibaba's Qwen3-Next and Qwen3.5: attention beside Gated DeltaNet."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.families.qwen import qwen3_tower
from kvviz.catalog.models.families.qwen_moe import qwen_dense_layers, qwen_mlp
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer
from kvviz.catalog.models.parts.attention import FULL, Heads, attention, spans_of_types, wide_heads
from kvviz.catalog.models.parts.experts import note_prediction_layers
from kvviz.catalog.models.parts.mlp import finish, norms
from kvviz.catalog.models.parts.recurrent import read_state_dtype


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
    draft.layers.append(
        Layer(
            "linear", heads, 0, key_dim, 0, state_values=state, conv_values=conv, recurrence="gdn"
        )
    )
    part, module = "linear attention", "linear_attn"
    for name, width in _projections(config, channels, values, heads):
        weights.matrix(part, layer, f"{module}.{name}", draft.hidden * width)
    weights.matrix(part, layer, f"{module}.out_proj", values * draft.hidden)
    weights.vector(part, layer, channels * kernel + 2 * heads, "tp")
    weights.vector("norm", layer, dim)


def _projections(config: Config, channels: int, values: int, heads: int) -> list[tuple[str, int]]:
    """Return the input projections with their widths: two in Qwen3-Next, four in Qwen3.5."""
    if str(config.text("model_type")).startswith("qwen3_next"):
        return [("in_proj_qkvz", channels + values), ("in_proj_ba", 2 * heads)]
    wide = [("in_proj_qkv", channels), ("in_proj_z", values)]
    return [*wide, ("in_proj_b", heads), ("in_proj_a", heads)]


NAMES = ("qwen3_next", "qwen3_5", "qwen3_5_moe")
FAMILIES = (Family(NAMES, qwen3_next, towers=dict.fromkeys(NAMES[1:], qwen3_tower)),)
