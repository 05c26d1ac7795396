"""The chosen model layer by layer: bytes per token in each, or its state."""

from collections import Counter
from html import escape
from typing import Final

from kvviz.catalog.models.model import Layer, Model
from kvviz.engines.planning import served_model
from kvviz.memory.kv import kv_width
from kvviz.pages.explore.details import Pair
from kvviz.pages.kit.html import many, short
from kvviz.shards.cache import layer_bytes, layer_state_bytes
from kvviz.units import size

KINDS: Final = {
    "full": "full",
    "mla": "MLA",
    "sliding": "sliding",
    "chunked": "chunked",
    "linear": "linear",
    "ssm": "SSM",
    "none": "no attention",
}
LEAST: Final = 12  # % of the strip's height that the lowest layer takes


def layers(pair: Pair) -> str:
    """Return the card of the model's layers: a bar for each, as high as a token's bytes in it."""
    workload = pair.workload
    model, number_bytes = served_model(workload), kv_width(workload, served_model(workload))
    sizes = [
        layer_bytes(layer, number_bytes) if layer.cached_values else 0 for layer in model.layers
    ]
    most = max(sizes) or 1
    bars = "".join(
        f'<i class="{layer.attention}" style="height:{max(LEAST, 100 * count / most):.1f}%" '
        f'title="layer {index}: {_says(model, layer, count)}"></i>'
        for index, (layer, count) in enumerate(zip(model.layers, sizes, strict=True))
    )
    kinds = Counter(zip((_kind(layer) for layer in model.layers), sizes, strict=True))
    legend = "".join(_legend(model, kind, count) for kind, count in kinds.items())
    title = f"{escape(short(model.name))}, layer by layer"
    note = f"KV bytes per token in each of {many(len(model.layers), 'layer')}"
    return f"""<header class="wrap"><h2>{title}</h2><small>{note}</small></header>
      <div class="strip" role="img" aria-label="{_sentence(model, kinds)}">{bars}</div>
      <ul class="kinds">{legend}</ul>"""


def _legend(model: Model, kind: tuple[tuple[str, int | None], int], count: int) -> str:
    (attention, window), size_ = kind
    within = f" ({window:,})" if window else ""
    return (
        f'<li><i class="{attention}"></i><b>{count}</b> {KINDS[attention]}{within}'
        f"<small>{_token(model, attention, window, size_)}</small></li>"
    )


def _kind(layer: Layer) -> tuple[str, int | None]:
    return layer.attention, layer.window


def _says(model: Model, layer: Layer, count: int) -> str:
    attention, window = _kind(layer)
    within = f" within {window:,} tokens" if window else ""
    return f"{KINDS[attention]}{within}, {_token(model, attention, window, count)}"


def _token(model: Model, attention: str, window: int | None, count: int) -> str:
    """Return what a layer of a kind keeps: bytes per token, or a state that does not grow."""
    if count:
        return f"{size(count)} per token"
    same = (layer for layer in model.layers if _kind(layer) == (attention, window))
    state = layer_state_bytes(model, next(same), 1)
    return f"{size(state)} per sequence, fixed" if state else "caches nothing"


def _sentence(model: Model, kinds: Counter[tuple[tuple[str, int | None], int]]) -> str:
    parts = [
        f"{count} {KINDS[attention]} with {_token(model, attention, window, size_)}"
        for ((attention, window), size_), count in kinds.items()
    ]
    return escape(f"{short(model.name)} has {', '.join(parts)}")
