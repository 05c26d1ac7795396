"""NVIDIA's Nemotron-H: Mamba-2, a few layers of attention, experts or MLPs."""

from dataclasses import replace
from typing import Final

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer
from kvviz.catalog.models.parts.attention import Heads, attention, wide_heads
from kvviz.catalog.models.parts.experts import read_experts, routed
from kvviz.catalog.models.parts.mlp import finish, norms
from kvviz.catalog.models.parts.recurrent import mamba2, read_state_dtype

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


FAMILIES = (Family(("nemotron_h",), nemotron_h, rotary=None),)
