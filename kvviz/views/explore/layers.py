"""The chosen model layer by layer, and what each GPU of a tensor-parallel split holds of it."""

from collections import Counter
from html import escape
from typing import Any, Final

from kvviz.catalog.model import Layer, Model
from kvviz.memory.kv import kv_width, layer_bytes
from kvviz.memory.parallel import layer_kv_bytes, layer_state_bytes
from kvviz.scenario import Scenario
from kvviz.units import GiB, gib, size
from kvviz.views.cards import short
from kvviz.views.explore.details import Pair, number
from kvviz.views.html import chip, many

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
    workload = pair.session.workload
    model, number_bytes = workload.the_model, kv_width(workload, workload.the_model)
    sizes = [layer_bytes(layer, number_bytes) if layer.cached_values else 0 for layer in model.layers]
    most = max(sizes) or 1
    bars = "".join(
        f'<i class="{layer.attention}" style="height:{max(LEAST, 100 * count / most):.1f}%" '
        f'title="layer {index}: {_says(model, layer, count)}"></i>'
        for index, (layer, count) in enumerate(zip(model.layers, sizes, strict=True))
    )
    kinds = Counter(zip((_kind(layer) for layer in model.layers), sizes, strict=True))
    legend = "".join(
        f'<li><i class="{attention}"></i><b>{count}</b> {KINDS[attention]}'
        f"{f' ({window:,})' if window else ''}<small>{_token(model, attention, window, size_)}</small></li>"
        for ((attention, window), size_), count in kinds.items()
    )
    name, depth = escape(short(model.name)), len(model.layers)
    return f"""<header><h2>{name}, layer by layer</h2><small>KV bytes a token adds in each of
      {many(depth, "layer")}</small></header><div class="strip" role="img"
      aria-label="{_sentence(model, kinds)}">{bars}</div><ul class="kinds">{legend}</ul>"""


def _kind(layer: Layer) -> tuple[str, int | None]:
    return layer.attention, layer.window


def _says(model: Model, layer: Layer, count: int) -> str:
    attention, window = _kind(layer)
    within = f" within {window:,} tokens" if window else ""
    return f"{KINDS[attention]}{within}, {_token(model, attention, window, count)}"


def _token(model: Model, attention: str, window: int | None, count: int) -> str:
    """Return what a layer of a kind keeps: bytes a token, or a state that does not grow."""
    if count:
        return f"{size(count)} a token"
    same = (layer for layer in model.layers if _kind(layer) == (attention, window))
    state = layer_state_bytes(model, next(same), 1)
    return f"{size(state)} a sequence, fixed" if state else "keeps nothing"


def _sentence(model: Model, kinds: Counter[tuple[tuple[str, int | None], int]]) -> str:
    parts = [
        f"{count} {KINDS[attention]} with {_token(model, attention, window, size_)}"
        for ((attention, window), size_), count in kinds.items()
    ]
    return escape(f"{short(model.name)} has {', '.join(parts)}")


def split(pair: Pair) -> str:
    """Return the card of the GPUs under tensor parallel: bytes, and KV heads with their copies."""
    workload = pair.session.workload
    t = workload.tp
    if not pair.valid:
        heads = f"{workload.the_model.heads} heads and {workload.the_model.kv_heads} KV heads"
        return f"<h2>On each GPU</h2><p>{heads} do not split over {t} GPUs.</p>"
    gpus = "".join(_gpu(pair, i) for i in range(t))
    return f"""<header><h2>{"On the one GPU" if t == 1 else f"On each of {t} GPUs"}</h2>
      <small>tensor parallel {t}</small></header><div class="gpus">{gpus}</div>{_copies(pair)}"""


def _gpu(pair: Pair, i: int) -> str:
    figures = pair.figures
    capacity = int(figures["capacity_bytes"])
    parts = {
        "reserved": int(figures["per_gpu_overhead"]),
        "weights": int(figures["per_gpu_weights"]),
        "kv": pair.held,
    }
    whole = max(capacity, sum(parts.values()))
    bars = "".join(
        f'<u class="{name}" style="width:{100 * count / whole:.2f}%"></u>'
        for name, count in parts.items()
    )
    told = ", ".join(f"{name} {gib(count)}" for name, count in parts.items() if count)
    return f"""<div class="gpu" title="{told} of {gib(capacity)}"><b>{i}</b><span>{bars}</span>
      <p>{"".join(_heads(pair.session.workload, i))}</p></div>"""


def _heads(workload: Scenario, i: int) -> list[str]:
    """Return GPU `i`'s KV heads; one that a GPU before it has too is a copy."""
    model, t = workload.the_model, workload.tp
    heads = model.kv_heads
    if not heads:
        return ["<small>state only</small>"]
    each = max(1, heads // t)
    first = i * heads // t
    copy = heads < t and i % (t // heads) > 0
    mla = any(layer.attention == "mla" for layer in model.layers)
    if mla:
        return [f'<i class="{"copy" if i else ""}" title="{"a copy of the" if i else "the"} latent">latent</i>']
    shown = range(first, first + each)
    if each > 8:
        return [f"<i>{first}–{first + each - 1}</i>"]
    word = "copy of KV head" if copy else "KV head"
    return [f'<i class="{"copy" if copy else ""}" title="{word} {head}">{head}</i>' for head in shown]


def _copies(pair: Pair) -> str:
    """Say what splitting costs: what all GPUs hold beyond the unsplit model."""
    workload, figures = pair.session.workload, pair.figures
    model, t = workload.the_model, workload.tp
    heads = model.kv_heads
    if t == 1:
        return f"<p>{many(heads, 'KV head')}, none copied: nothing is split.</p>" if heads else ""
    copied = t * int(figures["per_gpu_weights"]) - int(figures["weights_bytes"])
    number_bytes = kv_width(workload, model)
    whole, here = (
        sum(layer_kv_bytes(layer, number_bytes, n) for layer in model.layers if layer.cached_values)
        for n in (1, t)
    )
    times = t * here / whole if whole else 1
    cache = (
        f"a token’s KV is held {times:.3g} times, copies are hatched"
        if times > 1
        else "no KV head is copied"
    )
    return f"<p>All {t} together: {cache}; weights beyond one copy {number(gib(copied))}.</p>"
