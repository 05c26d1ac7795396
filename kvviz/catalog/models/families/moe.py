"""Mixtures of experts with plain attention: Mixtral, Qwen, gpt-oss, Llama 4, MiniMax M2, GLM."""

from dataclasses import replace
from functools import partial

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.families.blocks import (
    FULL,
    Experts,
    Heads,
    Span,
    attention,
    finish,
    gated_mlp,
    head_counts,
    norms,
    read_experts,
    routed,
    span_of,
    spans_of_types,
    wide_heads,
)
from kvviz.catalog.models.families.dense import qwen3_heads, qwen_spans
from kvviz.catalog.models.fields import Config


def mixtral(config: Config) -> Draft:
    """Mixtral: every MLP is a set of experts."""
    draft = begin(config)
    experts = as_mixtral(read_experts(config, "num_local_experts", "intermediate_size"))
    heads = Heads(*head_counts(config))
    span = span_of(config, "sliding") if config.has("sliding_window") else FULL
    for layer in range(draft.depth):
        attention(draft, heads, span)
        routed(draft, layer, experts)
        norms(draft, layer, 2)
    return finish(draft)


def as_mixtral(experts: Experts) -> Experts:
    """Return experts under the names that Mixtral and MiniMax give them."""
    return replace(experts, module="block_sparse_moe", names=("w1", "w2", "w3"))


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


def note_prediction_layers(config: Config, key: str) -> None:
    """Note the multi-token prediction layers, which run only in speculative decoding."""
    if config.whole_or(key, 0, low=0):
        config.note("the multi-token prediction layers are not counted")


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


def gpt_oss(config: Config) -> Draft:
    """gpt-oss: attention sinks and biases everywhere; odd layers full, even ones windowed."""
    draft = begin(config)
    bias = config.flag("attention_bias", True)
    heads = Heads(*wide_heads(config), bias=bias, out_bias=bias)
    experts = replace(
        read_experts(config, "num_local_experts", "intermediate_size"), router="router"
    )
    for layer, span in enumerate(_gpt_oss_spans(draft)):
        attention(draft, heads, span)
        draft.weights.vector("attention", layer, heads.query, "tp")
        routed(draft, layer, experts, draft.storage.base)
        _expert_biases(draft, layer, experts)
        norms(draft, layer, 2)
    return finish(draft)


def _gpt_oss_spans(draft: Draft) -> list[Span]:
    """Return the listed spans, or by default a window in each layer of even index."""
    found = spans_of_types(draft.config, draft.depth)
    if found is not None:
        return found
    draft.config.note("layer_types is not in the config: windows in every other layer, the default")
    slides = span_of(draft.config, "sliding")
    return [FULL if layer % 2 else slides for layer in range(draft.depth)]


def _expert_biases(draft: Draft, layer: int, experts: Experts) -> None:
    """Add the biases of every expert's gate, up and down projection."""
    count = experts.count * (2 * experts.width + draft.hidden)
    share = (experts.used, experts.count)
    draft.weights.vector("experts", layer, count, "tp", share=share)


def llama4(config: Config) -> Draft:
    """Llama 4: one shared expert beside the routed ones; three layers of four in chunks."""
    draft = begin(config)
    experts = replace(
        read_experts(config, "num_local_experts", "intermediate_size"),
        module="feed_forward",
        router="router",
    )
    heads = Heads(*wide_heads(config))
    sparse = _llama4_sparse(draft)
    for layer, span in enumerate(_llama4_spans(draft)):
        attention(draft, heads, span)
        add = partial(gated_mlp, draft, layer)
        if layer in sparse:
            routed(draft, layer, experts)
            add(experts.width, "feed_forward.shared_expert", "shared experts")
        else:
            add(config.whole("intermediate_size_mlp"), "feed_forward")
        norms(draft, layer, 2)
    return finish(draft)


def _llama4_sparse(draft: Draft) -> set[int]:
    """Return the layers with experts: the listed ones, or the last of each step."""
    listed = draft.config.numbers("moe_layers", high=draft.depth - 1)
    if listed:
        return set(listed)
    step = draft.config.whole_or("interleave_moe_layer_step", 1)
    return set(range(step - 1, draft.depth, step))


def _llama4_spans(draft: Draft) -> list[Span]:
    """Return full attention where positions are not rotated (every fourth layer), else chunks."""
    config = draft.config
    found = spans_of_types(config, draft.depth)
    if found is not None:
        return found
    rotated = config.numbers("no_rope_layers", high=1)
    if rotated:
        config.per_layer("no_rope_layers", rotated, draft.depth)
    else:
        every = config.documented("no_rope_layer_interval", 4)
        rotated = [1 if (layer + 1) % every else 0 for layer in range(draft.depth)]
    chunk = span_of(config, "chunked")
    return [chunk if rotates else FULL for rotates in rotated]


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


def shared_mlp(draft: Draft, layer: int, bias_dtype: str | None) -> None:
    """Add a dense MLP in the first layers, then experts with shared ones, as DeepSeek has them."""
    config = draft.config
    first = config.whole_or("first_k_dense_replace", 0, low=0)
    if layer < first or layer % config.whole_or("moe_layer_freq", 1):
        gated_mlp(draft, layer, config.whole("intermediate_size"))
        return
    experts = read_experts(config, "n_routed_experts", "moe_intermediate_size")
    routed(draft, layer, experts, bias_dtype)
    shared = config.whole_or("n_shared_experts", 0, low=0)
    gated_mlp(draft, layer, shared * experts.width, "mlp.shared_experts", "shared experts")
