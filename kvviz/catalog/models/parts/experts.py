"""Routed experts, and what stands beside them."""

from dataclasses import dataclass, replace
from typing import Final

from kvviz.catalog.models.draft import Draft
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.parts.mlp import gated_mlp

USED: Final = "num_experts_per_tok"


@dataclass(frozen=True, slots=True)
class Experts:
    """The routed experts of a layer.

    Args:
        count: experts stored.
        used: experts one token goes through.
        width: inner width of one.
        module: where they are, with their router beside them; empty for the layer itself.
        names: the projections of one expert.
        router: name of the router.
    """

    count: int
    used: int
    width: int
    module: str = "mlp"
    names: tuple[str, ...] = ("gate_proj", "up_proj", "down_proj")
    router: str = "gate"


def read_experts(config: Config, count: str, width: str, used: str = USED) -> Experts:
    """Read the experts of a config; the arguments are its keys for number, width and use."""
    stored, taken = config.whole(count), config.whole(used)
    if taken > stored:
        raise config.wrong(used, taken, f"at most {count} {stored:,}")
    return Experts(stored, taken, config.whole(width))


def as_mixtral(experts: Experts) -> Experts:
    """Return experts under the names that Mixtral and MiniMax give them."""
    return replace(experts, module="block_sparse_moe", names=("w1", "w2", "w3"))


def routed(draft: Draft, layer: int, experts: Experts, bias_dtype: str | None = None) -> None:
    """Add a router and its experts; a correction bias for each expert where its dtype is given."""
    weights, share = draft.weights, (experts.used, experts.count)
    place = f"{experts.module}." if experts.module else ""
    weights.matrix(
        "router", layer, f"{place}{experts.router}", draft.hidden * experts.count, "none"
    )
    if bias_dtype:
        weights.vector("router", layer, experts.count, dtype=bias_dtype)
    for name in experts.names:
        module = f"{place}experts.0.{name}"
        count = experts.count * draft.hidden * experts.width
        weights.matrix("experts", layer, module, count, share=share)


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


def note_prediction_layers(config: Config, key: str) -> None:
    """Note the multi-token prediction layers, which run only in speculative decoding."""
    if config.whole_or(key, 0, low=0):
        config.note("the multi-token prediction layers are not counted")
