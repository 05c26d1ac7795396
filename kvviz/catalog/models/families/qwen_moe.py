"""Alibaba's Qwen with experts: 1.5 to 3."""

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.families.qwen import qwen3_heads, qwen3_tower, qwen_spans
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.attention import Heads, attention, head_counts
from kvviz.catalog.models.parts.experts import read_experts, routed
from kvviz.catalog.models.parts.mlp import finish, gated_mlp, norms


def qwen2_moe(config: Config) -> Draft:
    """Qwen1.5-MoE and Qwen2-MoE: biases on q, k and v; a shared expert with a gate."""
    bias = config.flag("qkv_bias", True)
    return _qwen_moe(begin(config), Heads(*head_counts(config), bias=bias))


def qwen3_moe(config: Config) -> Draft:
    """Qwen3-MoE: Qwen3's attention, no shared expert."""
    return _qwen_moe(begin(config), qwen3_heads(config))


def _qwen_moe(draft: Draft, heads: Heads) -> Draft:
    """Add layers of attention, experts or a dense MLP, and two norms."""
    dense = qwen_dense_layers(draft)
    for layer, span in enumerate(qwen_spans(draft)):
        attention(draft, heads, span)
        qwen_mlp(draft, layer, layer in dense)
        norms(draft, layer, 2)
    return finish(draft)


def qwen_dense_layers(draft: Draft) -> set[int]:
    """Return the layers of a Qwen with experts that have a dense MLP."""
    step = draft.config.whole_or("decoder_sparse_step", 1)
    listed = draft.config.numbers("mlp_only_layers", high=draft.depth - 1)
    return {layer for layer in range(draft.depth) if (layer + 1) % step} | set(listed)


def qwen_mlp(draft: Draft, layer: int, dense: bool) -> None:
    """Add a dense MLP, or experts with a gated shared one where the config has it."""
    config = draft.config
    if dense:
        gated_mlp(draft, layer, config.whole("intermediate_size"))
        return
    routed(draft, layer, read_experts(config, "num_experts", "moe_intermediate_size"))
    if config.has("shared_expert_intermediate_size"):
        width = config.whole("shared_expert_intermediate_size")
        gated_mlp(draft, layer, width, "mlp.shared_expert", "shared experts")
        gate = "mlp.shared_expert_gate"
        draft.weights.matrix("router", layer, gate, draft.hidden, "none")


FAMILIES = (
    Family(("qwen2_moe",), qwen2_moe),
    Family(("qwen3_moe", "qwen3_vl_moe"), qwen3_moe, towers={"qwen3_vl_moe": qwen3_tower}),
)
