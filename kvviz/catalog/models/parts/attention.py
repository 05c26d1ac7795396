"""The attention of a layer: its heads, how far back it sees, its weights and its cache."""

from dataclasses import dataclass
from typing import Final, Literal

from kvviz.catalog.models.draft import Draft
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer

SpanKind = Literal["full", "sliding", "chunked", "linear"]
LAYER_TYPES: Final[dict[str, SpanKind]] = {
    "full_attention": "full",
    "sliding_attention": "sliding",
    "chunked_attention": "chunked",
    "linear_attention": "linear",
}
WINDOW_KEYS: Final = {"sliding": "sliding_window", "chunked": "attention_chunk_size"}


@dataclass(frozen=True, slots=True)
class Span:
    """How far back a layer sees: its kind, and the tokens held at most by a windowed one."""

    kind: SpanKind = "full"
    window: int | None = None


FULL: Final = Span()


@dataclass(frozen=True, slots=True)
class Heads:
    """The heads of an attention layer and what its projections carry.

    Args:
        query: query heads.
        kv: key and value heads.
        dim: width of a head.
        bias: whether the q, k and v projections have biases.
        out_bias: whether the output projection has one.
        norm: weights of the norms on queries and keys together.
        gated: whether the query projection also yields a gate as wide as the queries.
    """

    query: int
    kv: int
    dim: int
    bias: bool = False
    out_bias: bool = False
    norm: int = 0
    gated: bool = False


def head_counts(config: Config, *, kv_default: bool = False) -> tuple[int, int, int]:
    """Return query heads, KV heads and head width (hidden size over query heads if not given).

    ``kv_default`` is for the families whose documented default is one KV head a query head.
    """
    query = config.whole("num_attention_heads")
    if kv_default and not config.has("num_key_value_heads"):
        config.note("num_key_value_heads is not in the config: every query head, the default")
        kv = query
    else:
        kv = config.whole("num_key_value_heads")
    config.divides("num_key_value_heads", kv, "num_attention_heads", query)
    return query, kv, head_width(config, query)


def wide_heads(config: Config) -> tuple[int, int, int]:
    """Return heads and their width in families where the width is no quotient, so is required."""
    config.whole("head_dim")
    return head_counts(config)


def plain_heads(config: Config) -> tuple[int, int, int]:
    """Return heads in families without any notion of KV heads."""
    query = config.whole("num_attention_heads")
    return query, query, head_width(config, query)


def head_width(config: Config, query: int) -> int:
    """Return ``head_dim``, or hidden size over query heads where it is not given."""
    if config.has("head_dim"):
        return config.whole("head_dim")
    hidden = config.whole("hidden_size")
    config.divides("num_attention_heads", query, "hidden_size", hidden)
    return hidden // query


def spans_of_types(config: Config, depth: int) -> list[Span] | None:
    """Return the spans that ``layer_types`` lists, None where the config has none."""
    if not config.has("layer_types"):
        return None
    types = config.words("layer_types", LAYER_TYPES)
    config.per_layer("layer_types", types, depth)
    return [span_of(config, LAYER_TYPES[name]) for name in types]


def window_everywhere(draft: Draft) -> list[Span]:
    """Return windows in every layer where ``sliding_window`` is set, else full attention."""
    found = spans_of_types(draft.config, draft.depth)
    if found is not None:
        return found
    one = span_of(draft.config, "sliding") if draft.config.has("sliding_window") else FULL
    return [one] * draft.depth


def span_of(config: Config, kind: SpanKind) -> Span:
    """Return a span with the window its kind needs."""
    return Span(kind, config.whole(WINDOW_KEYS[kind])) if kind in WINDOW_KEYS else Span(kind)


def attention(draft: Draft, heads: Heads, span: Span = FULL, module: str = "self_attn") -> None:
    """Add the next layer with its attention: one K and one V for each KV head and token."""
    index = len(draft.layers)
    draft.layers.append(
        Layer(
            span.kind,
            heads.query,
            heads.kv,
            heads.dim,
            2 * heads.kv * heads.dim,
            window=span.window,
        )
    )
    attention_weights(draft, index, heads, module)


def attention_weights(
    draft: Draft, layer: int, heads: Heads, module: str = "self_attn", one_tensor: bool = False
) -> None:
    """Add a layer's query, key, value and output projections and its norms.

    ``one_tensor`` leaves out the value projection of layers whose keys are their values.
    """
    weights, width = draft.weights, heads.query * heads.dim
    kv_width, queries = heads.kv * heads.dim, width * (2 if heads.gated else 1)
    weights.matrix("attention", layer, f"{module}.q_proj", draft.hidden * queries)
    keys = ("k_proj",) if one_tensor else ("k_proj", "v_proj")
    for name in keys:
        weights.matrix("attention", layer, f"{module}.{name}", draft.hidden * kv_width, "kv")
    weights.matrix("attention", layer, f"{module}.o_proj", draft.hidden * width)
    weights.vector("attention", layer, queries * heads.bias + draft.hidden * heads.out_bias, "tp")
    weights.vector("attention", layer, len(keys) * kv_width * heads.bias, "kv")
    weights.vector("norm", layer, heads.norm)
