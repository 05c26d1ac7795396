"""Hybrids of attention and state spaces: Nemotron-H, Jamba, Granite 4."""

from dataclasses import replace
from typing import Final

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.families.blocks import (
    Experts,
    Heads,
    attention,
    finish,
    gated_mlp,
    head_counts,
    norms,
    read_experts,
    routed,
    wide_heads,
)
from kvviz.catalog.models.families.hybrid import read_state_dtype
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer

GRANITE_TYPES: Final = ("mamba", "attention")
NO_ATTENTION: Final = Layer("none", 0, 0, 0, 0)


def nemotron_h(config: Config) -> Draft:
    """Nemotron-H: each layer is one of Mamba-2 (M), attention (*), experts (E) or MLP (-)."""
    draft = begin(config)
    draft.state_dtype = read_state_dtype(config)
    pattern = config.text("hybrid_override_pattern")
    if pattern is None or len(pattern) != draft.depth or set(pattern) - set("M*E-"):
        need = f"one of M, *, E and - for each of the {draft.depth} layers"
        raise config.wrong("hybrid_override_pattern", pattern, need)
    bias = config.flag("attention_bias", False)
    heads = Heads(*wide_heads(config), bias=bias, out_bias=bias)
    for layer, kind in enumerate(pattern):
        _nemotron_layer(draft, layer, kind, heads)
        norms(draft, layer, 1)
    return finish(draft)


def _nemotron_layer(draft: Draft, layer: int, kind: str, heads: Heads) -> None:
    """Add the one block of a Nemotron-H layer."""
    if kind == "M":
        _nemotron_mamba(draft)
        return
    if kind == "*":
        attention(draft, heads, module="mixer")
        return
    draft.layers.append(NO_ATTENTION)
    if kind == "E":
        _nemotron_experts(draft, layer)
    else:
        _squared_mlp(draft, layer, draft.config.whole("intermediate_size"), "mixer", "mlp")


def _nemotron_experts(draft: Draft, layer: int) -> None:
    """Add experts of two projections, with a correction bias, and the shared one."""
    config = draft.config
    found = read_experts(config, "n_routed_experts", "moe_intermediate_size")
    experts = replace(found, module="mixer", names=("up_proj", "down_proj"))
    routed(draft, layer, experts, "fp32")
    shared = config.whole_or("n_shared_experts", 0, low=0)
    if shared:
        width = shared * config.whole("moe_shared_expert_intermediate_size")
        _squared_mlp(draft, layer, width, "mixer.shared_experts", "shared experts")


def _squared_mlp(draft: Draft, layer: int, width: int, module: str, part: str) -> None:
    """Add an MLP without a gate."""
    for name in ("up_proj", "down_proj"):
        draft.weights.matrix(part, layer, f"{module}.{name}", draft.hidden * width)


def _nemotron_mamba(draft: Draft) -> None:
    """Add a Mamba-2 layer with the sizes that Nemotron-H names."""
    config = draft.config
    heads, dim = config.whole("mamba_num_heads"), config.whole("mamba_head_dim")
    groups, state = config.whole("n_groups"), config.whole("ssm_state_size")
    mamba2(draft, heads, dim, groups, state, config.whole("conv_kernel"), "mixer")


def mamba2(
    draft: Draft, heads: int, dim: int, groups: int, state: int, kernel: int, module: str
) -> None:
    """Add a Mamba-2 layer: for each head a matrix of state by width; B and C for each group."""
    weights, layer, width = draft.weights, len(draft.layers), heads * dim
    channels = width + 2 * groups * state
    conv_bias = draft.config.flag("use_conv_bias", draft.config.flag("mamba_conv_bias", True))
    draft.layers.append(
        Layer(
            "ssm", heads, 0, dim, 0, state_values=width * state, conv_values=(kernel - 1) * channels
        )
    )
    weights.matrix("ssm", layer, f"{module}.in_proj", draft.hidden * (width + channels + heads))
    weights.matrix("ssm", layer, f"{module}.out_proj", width * draft.hidden)
    weights.vector("ssm", layer, channels * (kernel + conv_bias) + 3 * heads, "tp")
    weights.vector("norm", layer, width)


def jamba(config: Config) -> Draft:
    """Jamba: attention and experts each every so many layers, Mamba elsewhere."""
    draft = begin(config)
    heads = Heads(*head_counts(config))
    experts = replace(
        read_experts(config, "num_experts", "intermediate_size"),
        module="feed_forward",
        router="router",
    )
    for layer in range(draft.depth):
        if _periodic(config, "attn_layer", layer):
            attention(draft, heads)
        else:
            _mamba(draft)
        _jamba_mlp(draft, layer, experts)
        norms(draft, layer, 2)
    return finish(draft)


def _periodic(config: Config, what: str, layer: int) -> bool:
    """Tell whether a layer is the one of its period that has attention, or experts."""
    period = config.whole(f"{what}_period")
    return layer % period == config.whole(f"{what}_offset", low=0)


def _jamba_mlp(draft: Draft, layer: int, experts: Experts) -> None:
    """Add experts where the period says so, else a dense MLP of an expert's width."""
    if experts.count > 1 and _periodic(draft.config, "expert_layer", layer):
        routed(draft, layer, experts)
    else:
        gated_mlp(draft, layer, experts.width, "feed_forward")


def _mamba(draft: Draft) -> None:
    """Add a Mamba-1 layer, whose every channel has a state of its own."""
    config, weights, layer = draft.config, draft.weights, len(draft.layers)
    width = config.whole("mamba_expand") * draft.hidden
    state, kernel = config.whole("mamba_d_state"), config.whole("mamba_d_conv")
    rank = config.whole_or("mamba_dt_rank", -(-draft.hidden // 16))
    draft.layers.append(
        Layer("ssm", width, 0, 1, 0, state_values=width * state, conv_values=(kernel - 1) * width)
    )
    weights.matrix("ssm", layer, "mamba.in_proj", 2 * draft.hidden * width)
    weights.matrix("ssm", layer, "mamba.x_proj", width * (rank + 2 * state))
    weights.matrix("ssm", layer, "mamba.dt_proj", rank * width)
    weights.matrix("ssm", layer, "mamba.out_proj", width * draft.hidden)
    conv_bias = config.flag("mamba_conv_bias", True)
    # Convolution, then A by state, and D and the step's bias by channel.
    weights.vector("ssm", layer, width * (kernel + conv_bias + state + 2), "tp")
    weights.vector("norm", layer, rank + 2 * state)


def granite_hybrid(config: Config) -> Draft:
    """Granite 4: Mamba-2 or attention, then experts (where there are any) and a shared MLP."""
    draft = begin(config)
    types = config.words("layer_types", GRANITE_TYPES)
    config.per_layer("layer_types", types, draft.depth)
    bias = config.flag("attention_bias", False)
    heads = Heads(*head_counts(config, kv_default=True), bias=bias, out_bias=bias)
    for layer, kind in enumerate(types):
        if kind == "attention":
            attention(draft, heads)
        else:
            _granite_mamba(draft)
        _granite_mlp(draft, layer)
        norms(draft, layer, 2)
    return finish(draft)


def _granite_mamba(draft: Draft) -> None:
    """Add a Mamba-2 layer with the sizes that Granite names."""
    config = draft.config
    width, heads = config.whole("mamba_expand") * draft.hidden, config.whole("mamba_n_heads")
    config.divides("mamba_n_heads", heads, "hidden_size", width)
    groups, state = config.whole("mamba_n_groups"), config.whole("mamba_d_state")
    mamba2(draft, heads, width // heads, groups, state, config.whole("mamba_d_conv"), "mamba")


def _granite_mlp(draft: Draft, layer: int) -> None:
    """Add the experts, where there are any, and the MLP that every token goes through."""
    config = draft.config
    if config.whole_or("num_local_experts", 0, low=0):
        found = read_experts(config, "num_local_experts", "intermediate_size")
        routed(draft, layer, replace(found, module="block_sparse_moe", router="router"))
    gated_mlp(draft, layer, config.whole("shared_intermediate_size"), "shared_mlp")
