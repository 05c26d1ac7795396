"""AI21's Jamba: attention and experts each every so many layers, Mamba elsewhere."""

from dataclasses import replace

from kvviz.catalog.models.draft import Draft, begin
from kvviz.catalog.models.family import Family
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer
from kvviz.catalog.models.parts.attention import Heads, attention, head_counts
from kvviz.catalog.models.parts.experts import Experts, read_experts, routed
from kvviz.catalog.models.parts.mlp import finish, gated_mlp, norms


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
        Layer(
            "ssm",
            width,
            0,
            1,
            0,
            state_values=width * state,
            conv_values=(kernel - 1) * width,
            recurrence="mamba1",
        )
    )
    weights.matrix("ssm", layer, "mamba.in_proj", 2 * draft.hidden * width)
    weights.matrix("ssm", layer, "mamba.x_proj", width * (rank + 2 * state))
    weights.matrix("ssm", layer, "mamba.dt_proj", rank * width)
    weights.matrix("ssm", layer, "mamba.out_proj", width * draft.hidden)
    conv_bias = config.flag("mamba_conv_bias", True)
    # Convolution, then A by state, and D and the step's bias by channel.
    weights.vector("ssm", layer, width * (kernel + conv_bias + state + 2), "tp")
    weights.vector("norm", layer, rank + 2 * state)


FAMILIES = (Family(("jamba",), jamba, rotary=None),)
