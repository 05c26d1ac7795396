"""What is beside attention in most decoders: MLPs, norms, the head."""

from kvviz.catalog.models.draft import Draft
from kvviz.catalog.models.parts.attention import FULL, Heads, Span, attention


def gated_mlp(
    draft: Draft, layer: int, width: int, module: str = "mlp", part: str = "mlp", bias: bool = False
) -> None:
    """Add an MLP of a gate, an up and a down projection."""
    for name in ("gate_proj", "up_proj", "down_proj"):
        draft.weights.matrix(part, layer, f"{module}.{name}", draft.hidden * width)
    draft.weights.vector(part, layer, (2 * width + draft.hidden) * bias, "tp")


def plain_mlp(draft: Draft, layer: int, width: int, *, bias: bool) -> None:
    """Add an MLP of an up and a down projection."""
    for name in ("fc1", "fc2"):
        draft.weights.matrix("mlp", layer, f"mlp.{name}", draft.hidden * width)
    draft.weights.vector("mlp", layer, (width + draft.hidden) * bias, "tp")


def norms(draft: Draft, layer: int | None, count: int, bias: bool = False) -> None:
    """Add norms over the residual stream, with biases where they are layer norms."""
    draft.weights.vector("norm", layer, count * draft.hidden * (2 if bias else 1))


def finish(draft: Draft, *, norm_bias: bool = False, head_bias: bool = False) -> Draft:
    """Add the final norm and, where it is not the embedding, the head."""
    norms(draft, None, 1, norm_bias)
    if not draft.tied:
        draft.weights.matrix("head", None, "lm_head", draft.vocab * draft.hidden)
        draft.weights.vector("head", None, draft.vocab * head_bias, "tp")
    return draft


def gated_decoder(draft: Draft, heads: Heads, spans: list[Span] | None = None) -> Draft:
    """Add layers of attention, a gated MLP and two norms, then the final norm and the head."""
    width = draft.config.whole("intermediate_size")
    bias = draft.config.flag("mlp_bias", False)
    for layer, span in enumerate(spans or [FULL] * draft.depth):
        attention(draft, heads, span)
        gated_mlp(draft, layer, width, bias=bias)
        norms(draft, layer, 2)
    return finish(draft)
