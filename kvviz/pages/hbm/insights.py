"""What the picture shows, as cards of text computed from the scenario on screen."""

from collections import Counter
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.models.model import Model
from kvviz.cost.roofline import decode_step
from kvviz.engines.planning import served_model
from kvviz.memory.deployment import gpus_needed
from kvviz.memory.kv import lengths
from kvviz.memory.report import efficiency
from kvviz.memory.room import largest_batch, longest_context
from kvviz.memory.scores import score_matrix_bytes
from kvviz.memory.totals import kv_bytes
from kvviz.pages.hbm.session import Session
from kvviz.pages.hbm.toggles import TOGGLES
from kvviz.pages.kit.html import chip, live, many, row, share, text_card
from kvviz.settings.scenario import Scenario
from kvviz.shards.split import valid_tensor_parallel
from kvviz.units import gib, size

REGIONS: Final = {"exact": "final length", "pow2": "power of two", "max": "max_model_len"}


def insights(session: Session) -> list[str]:
    """Return the cards that apply to the session's model."""
    cards = [_switches(session), _gpus(session)]
    if session.report.kv_bytes_per_token_all_layers:
        cards = [_full(session), _long_and_many(session), _efficiency(session), *cards]
    if any(served_model(session.scenario).attending_layers()):
        cards = [_diagonal(session.scenario), _one_row(session), *cards]
    return cards


def _diagonal(scenario: Scenario) -> str:
    n, model = scenario.context, served_model(scenario)
    reach = _reach(model)
    now, later = score_matrix_bytes(scenario, model, [n, 2 * n])
    kv = kv_bytes(scenario, np.array([n, 2 * n])).used
    grows = f", the KV cache from {size(kv[0])} to {size(kv[1])}" if kv[0] else ""
    return text_card(
        "Causal attention",
        f"<p>A token attends to itself and all before it{reach}, so each row is one longer: a "
        f"triangle of {n * (n + 1) // 2:,} scores per head, in a square of n² = {n * n:,}. Twice "
        f"the context would take one layer’s scores from {size(now)} to {size(later)}{grows}.</p>",
    )


def _reach(model: Model) -> str:
    """Return the reach of layers that do not see the whole context, in brackets."""
    kinds = Counter(
        (layer.attention, layer.window) for layer in model.attending_layers() if layer.window
    )
    sees = {"chunked": "its own chunk of", "sliding": "the last"}
    limits = [
        f"{many(count, 'layer')}: {sees[kind]} {window:,}"
        for (kind, window), count in kinds.items()
    ]
    return f" ({', '.join(limits)})" if limits else ""


def _one_row(session: Session) -> str:
    scenario, report = session.scenario, session.report
    one = scenario.replaced(prefill="chunk", chunk=1)
    row_bytes = score_matrix_bytes(one, served_model(scenario), [scenario.context])[0]
    return text_card(
        "Decode is one row",
        f"<p>A decode step computes one new token per sequence: one row of the triangle, at most "
        f"{size(scenario.batch * row_bytes)} of scores per layer for the whole batch. But that row "
        f"needs the keys and values of all earlier tokens: {size(report.kv['used_bytes'])} of KV "
        f"cache, read again at every step.</p>",
    )


def _full(session: Session) -> str:
    scenario, report = session.scenario, session.report
    left = session.room - report.per_gpu["weights"]
    held = f"Weights take {gib(report.per_gpu['weights'])} of one {_name(scenario)}"
    title, kind = "When the KV cache fills the GPU", report.kinds["capacity_bytes"]
    if left <= 0:
        return text_card(title, f"<p>{held}: nothing is left for the KV cache.</p>", kind=kind)
    held_there = "KV cache and state" if report.state_bytes else "KV cache"
    return text_card(
        title,
        f"<p>{held} and leave {gib(left)}. Paged, the {held_there} of "
        f"{many(scenario.batch, 'sequence')} fits up to a context of "
        f"{_limit(longest_context(scenario), 'context', 'token')}. At a length of "
        f"{_lengths(scenario)}, {_limit(largest_batch(scenario), 'batch', 'sequence')} "
        f"would fit at once.</p>",
        kind=kind,
    )


def _lengths(scenario: Scenario) -> str:
    longest = scenario.context
    shortest = int(lengths(np.array(longest), 2, scenario.ragged).min())
    tokens = many(longest, "token")
    return tokens if shortest == longest else f"{shortest:,} to {tokens}"


def _limit(found: int, knob: str, noun: str) -> str:
    beyond = "more than " if found == Scenario.param[knob].bounds[1] else ""
    return f"<b>{beyond}{many(found, noun)}</b>"


def _name(scenario: Scenario) -> str:
    return escape(scenario.the_gpu.short_name)


def _long_and_many(session: Session) -> str:
    scenario, report = session.scenario, session.report
    n, held = scenario.context, "KV cache and state" if report.state_bytes else "KV cache"
    chosen = report.active_parameters < report.parameters  # experts, assumed evenly
    step = decode_step(scenario, np.array([n, 2 * n]))
    moved = step.weight_bytes + step.kv_bytes
    (now, later), (part, more) = moved * scenario.tp, step.kv_bytes / moved
    return text_card(
        "Why long contexts and large batches are hard",
        f"<p>A decode step reads the weights once per batch, but every sequence’s cache "
        f"separately. At {many(n, 'token')} it moves {size(now)}, {share(part)} of it {held}; at "
        f"{2 * n:,} tokens {size(later)}, {share(more)}. Larger batches share the weights better, "
        f"until the cache fills the GPU.</p>",
        kind="assumed: experts chosen evenly" if chosen else "computed",
    )


def _efficiency(session: Session) -> str:
    scenario = session.scenario
    first, now, last = contexts = np.array([1, scenario.context, scenario.final_length])
    static = scenario.batching == "static"
    region = REGIONS["max" if static else scenario.reservation]
    padded = " and padding" if static else ""
    return text_card(
        "How much of the KV cache is used",
        f"<p>KV used / KV allocated at {first:,}, {now:,} and {many(last, 'token')}. Paging wastes "
        f"only the end of a sequence’s last block{padded}; a reserved region starts empty and "
        f"fills. At the playhead: {live('efficiency', 'percent')}.</p>",
        '<div class="rows">',
        row("paged", _shares(scenario.replaced(paged=True), contexts)),
        row(f"reserved: {region}", _shares(scenario.replaced(paged=False), contexts)),
        "</div>",
    )


def _shares(scenario: Scenario, contexts: NDArray[np.int64]) -> str:
    kv = kv_bytes(scenario, contexts)
    shares = [efficiency(*pair) for pair in zip(kv.used, kv.allocated, strict=True)]
    return " → ".join(share(part, 1) for part in shares)


def _switches(session: Session) -> str:
    scenario, deltas = session.scenario, session.report.deltas
    over = " over all GPUs" if session.which_gpu else ""
    rows = [
        row(
            f"{chip(toggle.chip)} {toggle.label}",
            f"{_verb(toggle.is_on(scenario), deltas[name])} <b>{gib(abs(deltas[name]))}</b>",
        )
        for name, toggle in TOGGLES.items()
    ]
    return text_card(
        "What each switch changes",
        f"<p>At {many(scenario.context, 'token')}{over}, flipping only that switch.</p>",
        f'<div class="rows">{"".join(rows)}</div>',
    )


def _verb(on: bool, delta: int) -> str:
    verb = "save" if delta >= 0 else "cost"
    return f"{verb}s" if on else f"would {verb}"


def _gpus(session: Session) -> str:
    scenario, report = session.scenario, session.report
    last = np.array([scenario.final_length])
    sizes = ", ".join(map(str, valid_tensor_parallel(served_model(scenario))))
    return text_card(
        "When one GPU is not enough",
        f"<p>By capacity alone: {gib(report.total_bytes)} ÷ {gib(session.room)}, rounded "
        f"up, is {report.gpus_by_capacity:,}. But heads split evenly only over {sizes} GPUs, "
        f"pipeline stages hold whole layers, and the fullest GPU decides. At "
        f"{many(scenario.context, 'token')} it {_needed(report.gpus_needed)}, at "
        f"{scenario.final_length:,} it {_needed(int(gpus_needed(scenario, last)[0]))}.</p>",
        kind=report.kinds["gpus_by_capacity"],
    )


def _needed(gpus: int | None) -> str:
    return f"needs <b>{many(gpus, 'GPU')}</b>" if gpus else "<b>does not fit at any TP × PP</b>"
