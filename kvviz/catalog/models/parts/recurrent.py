"""Layers that keep a state of a fixed size instead of tokens."""

from typing import Final

from kvviz.catalog.models.draft import Draft
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer

STATE_DTYPES: Final = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}


def read_state_dtype(config: Config) -> str:
    """Return the dtype of recurrent state: fp32 unless the config names another."""
    for key in ("mamba_ssm_dtype", "mamba_ssm_cache_dtype"):
        name = config.text(key, STATE_DTYPES)
        if name is not None:
            return STATE_DTYPES[name]
    return "fp32"


def mamba2(
    draft: Draft, heads: int, dim: int, groups: int, state: int, kernel: int, module: str
) -> None:
    """Add a Mamba-2 layer: for each head a matrix of state by width; B and C for each group."""
    weights, layer, width = draft.weights, len(draft.layers), heads * dim
    channels = width + 2 * groups * state
    conv_bias = draft.config.flag("use_conv_bias", draft.config.flag("mamba_conv_bias", True))
    draft.layers.append(
        Layer(
            "ssm",
            heads,
            0,
            dim,
            0,
            state_values=width * state,
            conv_values=(kernel - 1) * channels,
            recurrence="mamba2",
            conv_groups=groups,
            conv_group_values=(kernel - 1) * 2 * groups * state,
        )
    )
    weights.matrix("ssm", layer, f"{module}.in_proj", draft.hidden * (width + channels + heads))
    weights.matrix("ssm", layer, f"{module}.out_proj", width * draft.hidden)
    weights.vector("ssm", layer, channels * (kernel + conv_bias) + 3 * heads, "tp")
    weights.vector("norm", layer, width)
