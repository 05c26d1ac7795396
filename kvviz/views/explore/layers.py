"""The chosen model layer by layer, and what each GPU of a tensor-parallel split holds of it."""

from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import Final

from kvviz.catalog.model import Layer, Model
from kvviz.memory import estimate
from kvviz.memory.kv import kv_width, layer_bytes
from kvviz.memory.parallel import layer_kv_bytes, layer_state_bytes, stage_weights
from kvviz.scenario import Scenario
from kvviz.units import gib, size
from kvviz.views.cards import short
from kvviz.views.explore.details import Pair, number
from kvviz.views.html import many

KINDS: Final = {
    "full": "full",
    "mla": "MLA",
    "sliding": "sliding",
    "chunked": "chunked",
    "linear": "linear",
    "ssm": "SSM",
    "none": "no attention",
}
SAID: Final = {"reserved": "engine", "weights": "weights", "kv": "KV cache and state"}
MOST_HEADS: Final = 8  # KV heads of a GPU that are listed one by one
LEAST: Final = 12  # % of the strip's height that the lowest layer takes


def layers(pair: Pair) -> str:
    """Return the card of the model's layers: a bar for each, as high as a token's bytes in it."""
    workload = pair.session.workload
    model, number_bytes = workload.the_model, kv_width(workload, workload.the_model)
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


@dataclass(frozen=True, slots=True)
class Split:
    """One stage's GPUs under tensor parallel, and what each holds.

    Args:
        scenario: with the split's sizes.
        parts: bytes by name on the fullest GPU.
        capacity: bytes of one GPU.
    """

    scenario: Scenario
    parts: dict[str, int]
    capacity: int

    @property
    def size(self) -> int:
        """GPUs that share each layer."""
        return self.scenario.tp


def split(pair: Pair) -> str:
    """Return the card of the GPUs under tensor parallel: bytes, and KV heads with their copies."""
    workload, model = pair.session.workload, pair.session.workload.the_model
    if not pair.valid or not pair.fits and pair.session.metric == "gpus":
        heads = f"{model.heads} heads and {model.kv_heads} KV heads"
        return f"<h2>On each GPU</h2><p>{heads}: no split over {workload.tp} GPUs fits.</p>"
    shared = _needed(pair) if pair.session.metric == "gpus" else _asked(pair)
    t, p = shared.size, shared.scenario.pp
    title = "On the one GPU" if t == 1 else f"On each of {t} GPUs"
    stages = f" × pipeline {p}: the fullest stage" if p > 1 else ""
    return f"""<header><h2>{title}</h2><small>tensor parallel {t}{stages}</small></header>
      <div class="gpus">{"".join(_gpu(shared, i) for i in range(t))}</div>{_copies(shared)}"""


def _asked(pair: Pair) -> Split:
    """Return the split that the page asks for."""
    names = {"reserved": "per_gpu_overhead", "weights": "per_gpu_weights"}
    parts = {name: int(pair.figures[column]) for name, column in names.items()}
    capacity = int(pair.figures["capacity_bytes"])
    return Split(pair.session.workload, {**parts, "kv": pair.held}, capacity)


def _needed(pair: Pair) -> Split:
    """Return the smallest split that fits."""
    sizes = {"tp": int(pair.figures["deployment_tp"]), "pp": int(pair.figures["deployment_pp"])}
    there = pair.session.workload.replaced(**sizes)
    report = estimate(there)
    held = report.per_gpu
    parts = {"reserved": held["overhead"], "weights": held["weights"]}
    return Split(there, {**parts, "kv": held["kv"] + held["state"]}, report.capacity_bytes)


def _gpu(shared: Split, i: int) -> str:
    parts = shared.parts
    whole = max(shared.capacity, sum(parts.values()))
    bars = "".join(
        f'<u class="{name}" style="width:{100 * count / whole:.2f}%"></u>'
        for name, count in parts.items()
    )
    told = ", ".join(f"{SAID[name]} {gib(count)}" for name, count in parts.items() if count)
    return f"""<div class="gpu" title="{told} of {gib(shared.capacity)}"><b>{i}</b>
      <span>{bars}</span><p>{"".join(_heads(shared.scenario, i))}</p></div>"""


def _heads(scenario: Scenario, i: int) -> list[str]:
    """Return GPU `i`'s KV heads; one that a GPU before it has too is a copy."""
    model, t = scenario.the_model, scenario.tp
    heads = model.kv_heads
    if not heads:
        return ["<small>state only</small>"]
    copied = heads < t and i % (t // heads) > 0
    first, each = i * heads // t, max(1, heads // t)
    if any(layer.attention == "mla" for layer in model.layers):
        return [_head("latent", copied, "MLA’s latent")]
    if each > MOST_HEADS:
        return [_head(f"{first}–{first + each - 1}", copied, "KV heads")]
    return [_head(str(head), copied, f"KV head {head}") for head in range(first, first + each)]


def _head(text: str, copied: bool, name: str) -> str:
    told = f"copy of {name}" if copied else name
    return f'<i class="{"copy" if copied else ""}" title="{told}">{text}</i>'


def _copies(shared: Split) -> str:
    """Say what splitting costs: how often all GPUs together hold the same."""
    model, t = shared.scenario.the_model, shared.size
    if t == 1:
        heads = model.kv_heads
        return f"<p>{many(heads, 'KV head')}, none copied.</p>" if heads else ""
    dtype, wide = shared.scenario.weights_dtype, kv_width(shared.scenario, model)
    token, weights = (
        t * _on_each(model, t, wide, dtype)[i] / (_on_each(model, 1, wide, dtype)[i] or 1)
        for i in range(2)
    )
    copies = f"held {number(f'{token:.3g}')} times" if token > 1 else "held once"
    return f"""<p>All {t} together: a token’s KV is {copies}{", copies are hatched" * (token > 1)};
      weights {number(f"{weights:.4g}")} times.</p>"""


def _on_each(model: Model, t: int, wide: int, dtype: str) -> tuple[int, int]:
    """Return the bytes of a token and of the weights on one of t GPUs."""
    cached = [layer for layer in model.layers if layer.cached_values]
    token = sum(layer_kv_bytes(layer, wide, t) for layer in cached)
    return token, int(stage_weights(model, t, 1, dtype).sum())
