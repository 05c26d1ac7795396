"""What each GPU of a tensor-parallel split holds of the chosen model, its KV heads and copies."""

from dataclasses import dataclass
from html import escape
from typing import Final

from kvviz.catalog.models.model import Model
from kvviz.engines.planning import served_model
from kvviz.memory import estimate
from kvviz.memory.kv import kv_width
from kvviz.pages.explore.details import Pair, number, why_invalid
from kvviz.pages.kit.html import many
from kvviz.settings.scenario import Scenario
from kvviz.shards.cache import layer_kv_bytes
from kvviz.shards.weights import stage_weights
from kvviz.units import gib

SAID: Final = {"reserved": "engine", "weights": "weights", "kv": "KV cache and state"}
MOST_HEADS: Final = 16  # KV heads of a GPU that are listed one by one


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
    model = served_model(pair.workload)
    if not pair.valid or (not pair.fits and pair.session.metric == "gpus"):
        heads = f"{model.heads} heads and {model.kv_heads} KV heads"
        why = "does not fit at any TP × PP" if pair.valid else escape(why_invalid(pair))
        return f"<h2>On each GPU</h2><p>{heads}: {why}.</p>"
    shared = _needed(pair) if pair.session.metric == "gpus" else _asked(pair)
    t, p = shared.size, shared.scenario.pp
    title = "On one GPU" if t == 1 else f"On each of {t} GPUs"
    stages = f" × pipeline {p}, fullest stage" if p > 1 else ""
    note = f"tensor parallel {t}{stages}"
    return f"""<header class="wrap"><h2>{title}</h2><small>{note}</small></header>
      <div class="gpus">{"".join(_gpu(shared, i) for i in range(t))}</div>{_copies(shared)}"""


def _asked(pair: Pair) -> Split:
    """Return the split that the page asks for."""
    names = {"reserved": "per_gpu_overhead", "weights": "per_gpu_weights"}
    parts = {name: int(pair.figures[column]) for name, column in names.items()}
    capacity = int(pair.figures["capacity_bytes"])
    return Split(pair.workload, {**parts, "kv": pair.held}, capacity)


def _needed(pair: Pair) -> Split:
    """Return the smallest split that fits."""
    sizes = {"tp": int(pair.figures["deployment_tp"]), "pp": int(pair.figures["deployment_pp"])}
    there = pair.workload.replaced(**sizes)
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
    model, t = served_model(scenario), scenario.tp
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
    """Say what splitting costs: how many times the GPUs together hold the same data."""
    model, t = served_model(shared.scenario), shared.size
    if t == 1:
        heads = model.kv_heads
        return f"<p>{many(heads, 'KV head')}, none duplicated.</p>" if heads else ""
    wide, dtype = kv_width(shared.scenario, model), shared.scenario.weights_dtype
    whole, here = _on_each(model, 1, wide, dtype), _on_each(model, t, wide, dtype)
    token, weights = (t * b / a if a else 1.0 for a, b in zip(whole, here, strict=True))
    hatched = " (copies are hatched)" if token > 1 else ""
    return (
        f"<p>Together, the {t} GPUs hold each token’s KV {_times(token)}{hatched} and the weights "
        f"{_times(weights)}.</p>"
    )


def _times(times: float) -> str:
    return "once" if times == 1 else f"{number(f'{times:.4g}')} times"


def _on_each(model: Model, t: int, wide: int, dtype: str) -> tuple[int, int]:
    """Return the bytes of a token and of the weights on one of t GPUs."""
    cached = [layer for layer in model.layers if layer.cached_values]
    token = sum(layer_kv_bytes(layer, wide, t) for layer in cached)
    return token, int(stage_weights(model, t, 1, dtype).sum())
