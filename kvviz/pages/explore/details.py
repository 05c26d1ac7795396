"""The chosen pair in full: its figure, and where the bytes of a GPU go."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from kvviz.catalog.models.model import Model
from kvviz.engines.planning import plan, served_model
from kvviz.memory.kinds import Kind, kinds
from kvviz.pages.explore.heatmap import label
from kvviz.pages.explore.link import hbm_link
from kvviz.pages.explore.session import ExploreSession
from kvviz.pages.kit.html import chip, many, short
from kvviz.pages.kit.pooled import pooled_note
from kvviz.settings.scenario import Scenario
from kvviz.shards.split import valid_tensor_parallel
from kvviz.shards.weights import weight_dtype
from kvviz.units import GiB, gib, size

STRIPES = 160  # sequences that the bar can tell apart
ROOM_FOR_WORD = 12  # % of the bar


@dataclass(frozen=True)
class Pair:
    """The chosen pair, ready to be described.

    Args:
        session: whose choice it is.
        workload: with the chosen model and GPU.
        figures: the pair's report.
        valid: whether the GPUs split the model.
        value: the metric's value.
        fits: whether there is one.
        sequences: as many as the bar shows.
        each: bytes that a sequence takes on one GPU, cache and state.
    """

    session: ExploreSession
    workload: Scenario
    figures: dict[str, Any]
    valid: bool
    value: float
    fits: bool
    sequences: int
    each: int

    @property
    def kind(self) -> Kind:
        """How everything is known that rests on the GPU's capacity."""
        return kinds(self.workload)["capacity_bytes"]

    @property
    def held(self) -> int:
        """Bytes of cache and state on one GPU."""
        return self.sequences * self.each

    @property
    def free(self) -> int:
        """Bytes that are left on one GPU; less than 0 where it does not fit."""
        used = self.figures["per_gpu_weights"] + self.figures["per_gpu_overhead"] + self.held
        return int(self.figures["capacity_bytes"] - used)


def pair(session: ExploreSession) -> Pair:
    """Return the chosen pair's details."""
    place, figures, metric = (*session.chosen, 0, 0, 0), session.figures(), session.how
    value = float(metric.values(session.reports)[place])
    valid = bool(np.broadcast_to(session.reports.valid, session.reports.axes.shape)[place])
    fits = valid and bool(metric.fits(session.reports)[place])
    workload, full = session.workload, session.metric == "sequences" and fits
    sequences = int(value) if full else workload.batch
    each = _each(session, workload, figures)
    return Pair(session, workload, figures, valid, value, fits, sequences, each)


def _each(session: ExploreSession, workload: Scenario, figures: dict[str, Any]) -> int:
    """Return the bytes of one sequence on one GPU: by layer, or as the engine takes blocks."""
    layout = plan(workload.deployment).layout
    if session.metric == "sequences" and layout:
        return int(layout.request_bytes(workload.context))
    held = int(figures["per_gpu_kv"]) + int(figures["per_gpu_state"])
    return held // workload.batch


def details(pair: Pair) -> str:
    """Return the card of the chosen pair."""
    workload, figures = pair.workload, pair.figures
    model, gpu = served_model(workload), workload.the_gpu
    usable = number(gib(figures["capacity_bytes"]), pair.kind)
    token = number(size(int(figures["kv_bytes_per_token_all_layers"])))
    link = hbm_link(pair.workload, pair.sequences)
    rows = "".join(_rows(pair)) if pair.valid else ""
    return f"""
      <header><h1>{escape(short(model.name))} on {escape(label(gpu))}</h1>{_badge(pair)}</header>
      <p class="sub">usable {usable}, context {workload.context:,}, KV {token} per token</p>
      {_hero(pair)}{_bar(pair)}<div class="rows">{rows}</div>{_notes(pair)}{link}"""


def number(text: str, kind: str = "computed", why: str = "") -> str:
    """Return a number that says how it is known: on hover, and in words if it is assumed."""
    told = f"{kind}: {why}" if why else kind
    mark = "<em>assumed</em>" if kind == "assumed" else ""
    return f'<b title="{escape(told)}">{text}</b>{mark}'


def _badge(pair: Pair) -> str:
    if not pair.figures["gpus_needed"]:
        return '<em class="badge">does not fit at any TP × PP</em>'
    needed = many(int(pair.figures["gpus_needed"]), "GPU")
    return f'<em class="badge" title="{pair.kind}: smallest valid split">{needed} needed</em>'


def _hero(pair: Pair) -> str:
    _session, metric = pair.session, pair.session.how
    if pair.fits and np.isfinite(pair.value):
        why = metric.assumed(pair.workload)
        told = "assumed" if why else pair.kind
        plain = f"{pair.value:,.0f}" if pair.value >= 100 else f"{pair.value:.3g}"
        plain += "+" if pair.value >= metric.most else ""
        return f"""<p class="hero">{number(plain, told, why.removeprefix("assumed: "))}
          <small>{metric.unit(pair.workload)}</small></p>"""
    if not pair.valid:
        says = why_invalid(pair)
    elif pair.fits:
        says = "unknown: the GPU’s 16-bit FLOP/s or power limit is not published"
    else:
        says = "does not fit"
    return f'<p class="hero none"><small>{says}</small></p>'


def why_invalid(pair: Pair) -> str:
    """Return why there is no value: the model does not split, or the engine does not run it."""
    workload = pair.workload
    if workload.tp not in valid_tensor_parallel(served_model(workload)):
        return "heads do not split evenly over this many GPUs"
    return plan(workload.deployment).unsupported or "the engine leaves no memory for the model"


def _bar(pair: Pair) -> str:
    """Return the GPU's memory as a bar, with what does not fit beyond its end."""
    if not pair.valid:
        return ""
    figures, capacity = pair.figures, int(pair.figures["capacity_bytes"])
    whole = max(capacity, capacity - pair.free)
    engine, weights, kv, end = (
        100 * count / whole
        for count in (
            int(figures["per_gpu_overhead"]),
            int(figures["per_gpu_weights"]),
            pair.held,
            capacity,
        )
    )
    word = "weights" if weights > ROOM_FOR_WORD and pair.free >= 0 else ""
    parts = f"""<i class="engine" style="width:{engine:.3f}%"></i>
      <i class="w" style="width:{weights:.3f}%">{word}</i>
      <i class="kv" style="width:{kv:.3f}%;background-size:{_stripes(pair)}"></i>"""
    over = f'<u style="left:{end:.3f}%"></u>' if pair.free < 0 else ""
    told = f"{many(pair.sequences, 'sequence')}, {size(pair.each)} each"
    middle = told if pair.free >= 0 else f"{gib(-pair.free)} over"
    gpus = pair.workload.tp
    left = f"one of {gpus} GPUs" if gpus > 1 else "0"
    right = f"{capacity / GiB:,.2f}"
    return f"""<div class="memory" aria-hidden="true">{parts}{over}</div>
      <div class="bracket" style="margin-left:{engine + weights:.3f}%;width:{kv:.3f}%"></div>
      <p class="ends"><span>{left}</span><span>{middle}</span><span>{right}</span></p>"""


def _stripes(pair: Pair) -> str:
    """Return the size of the eight colours: one per sequence while they can be told apart."""
    return f"{100 * 8 / min(pair.sequences, STRIPES):.4f}% 100%"


def _rows(pair: Pair) -> list[str]:
    session, figures = pair.session, pair.figures
    workload, model = session.workload, served_model(session.workload)
    dtype = _stored(model, workload.weights_dtype)
    rows = [
        line(
            "weights",
            "Weights",
            f"{dtype}, {model.parameters:,} parameters",
            number(gib(int(figures["per_gpu_weights"]))),
        ),
        line(
            "kv",
            "KV cache and state" if figures["state_bytes"] else "KV cache",
            f"{pair.sequences:,} × {size(pair.each)}",
            number(gib(pair.held)),
        ),
    ]
    taken = plan(workload.deployment).assumptions
    if taken:
        parts = ", ".join(f"{item.name} {item.gib:.2f}" for item in taken)
        rows.append(
            line(
                "reserved",
                "Engine",
                parts,
                number(gib(int(figures["per_gpu_overhead"])), "assumed", taken[0].source),
            )
        )
    if pair.free < 0:
        return [*rows, line("wash", "Over capacity", "", number(gib(-pair.free), pair.kind))]
    less = "less than one more sequence" if session.metric == "sequences" else ""
    return [*rows, line("free", "Free", less, number(gib(pair.free), pair.kind))]


def line(role: str, name: str, how: str, value: str) -> str:
    """Return a line: chip, name, arithmetic and value."""
    return (
        f'<div class="row">{chip(role)}<span>{name}</span><small>{escape(how)}</small>'
        f"<span>{value}</span></div>"
    )


def _stored(model: Model, weights_dtype: str) -> str:
    """Return the dtype that most weights are stored in, and whether there are others."""
    counts: dict[str, int] = {}
    for group in model.tensors:
        dtype = weight_dtype(group, weights_dtype, model.dtype)
        counts[dtype] = counts.get(dtype, 0) + group.count
    most = max(counts, key=lambda dtype: counts[dtype])
    return most if len(counts) == 1 else f"mostly {most}"


def _notes(pair: Pair) -> str:
    workload = pair.workload
    model = served_model(workload)
    notes = [*plan(workload.deployment).notes, *model.notes]
    if pair.figures["past_own_maximum"] or _past(pair, model):
        notes.insert(0, f"the model’s own maximum is {model.max_context:,} tokens")
    if pair.session.metric == "sequences" and pooled_note(workload):
        notes.insert(0, pooled_note(workload))
    text = escape("; ".join(notes))
    return f'<p class="note-line" title="{text}">{text}</p>' if notes else ""


def _past(pair: Pair, model: Model) -> bool:
    return pair.session.metric == "longest" and pair.fits and pair.value > model.max_context
