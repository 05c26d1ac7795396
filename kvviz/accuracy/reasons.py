"""The likely reason for a difference: what the row itself says, else what the figures suggest."""

from typing import Final

from kvviz.accuracy.planned import PlannedRun
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.rows import Row, Untestable
from kvviz.catalog.dtypes import width
from kvviz.catalog.models.model import Model
from kvviz.units import GiB

UNEXPLAINED: Final = "not explained yet"
ONE_MORE: Final = ("qwen3_next", "qwen3_5", "glm4_moe", "deepseek")
SMALL: Final = 0.15  # of the requested memory: a small difference of large numbers
NEAR: Final = 0.005
TELLING: Final = ("MTP", "buffer", "rounded")  # words in notes that explain a difference


def reason_of_run(quantity: str, run: PlannedRun, predicted: float, logged: float) -> str:
    """Return the likely reason why a run's `predicted` figure differs from the `logged` one."""
    try:
        return run.told or _of_run(quantity, run, predicted, logged) or UNEXPLAINED
    except Untestable:
        return UNEXPLAINED


def reason_of_row(
    models: Models, quantity: str, row: Row, predicted: float, published: float
) -> str:
    """Return the likely reason why a row's `published` figure differs from the `predicted` one."""
    if quantity == "throughput":
        return told(row) or "assumed efficiencies and batch; a roofline, not a measurement"
    try:
        model = models.find(row.text("model"))
    except Untestable:  # its config was found by file name
        return told(row) or UNEXPLAINED
    return told(row) or _weights(model, quantity, predicted, published) or UNEXPLAINED


def told(row: Row) -> str:
    """Return what a row itself says about a difference, empty if it says nothing."""
    if row.text("reason"):
        return row.text("reason")
    note = row.text("note")
    if "lora" in note.casefold():
        return "launched by another program: LoRA slots and batch settings are not logged"
    return note if any(word in note for word in TELLING) else ""


def _of_run(quantity: str, run: PlannedRun, predicted: float, logged: float) -> str:
    if quantity == "weights":
        engines = run.engine.reason(quantity, run.model, predicted < logged)
        return engines or _weights(run.model, quantity, predicted, logged)
    return _budget(run) if quantity in ("kv_tokens", "kv_budget") else ""


def _weights(model: Model, quantity: str, predicted: float, logged: float) -> str:
    number = 1 if quantity == "parameters" else width(model.dtype)
    head = model.vocab_size * model.hidden_size * number
    if model.tied and abs(logged - predicted - head) < NEAR * logged:
        return "the checkpoint stores the tied head a second time"
    if model.tower_parameters is None:
        return "its type of vision tower is not counted"
    beside = [note for note in model.notes if "prediction" in note]
    if beside and logged > predicted:
        return beside[0]
    layer = sum(g.count for g in model.tensors if g.layer == len(model.layers) - 1) * number
    if 0.8 * layer < logged - predicted < 1.6 * layer and model.family.startswith(ONE_MORE):
        return "about one layer more: the MTP layer is not counted"
    quantized = any(group.dtype != model.dtype for group in model.tensors)
    return "which matrices stay unquantized is not given" if quantized else ""


def _budget(run: PlannedRun) -> str:
    logged = run.known("weights_gib", "kv_cache_gib")
    if logged.cap:
        return logged.cap
    if logged.weights_gib:
        off = run.loaded().total / GiB - logged.weights_gib
        if abs(off) > 0.03 * logged.weights_gib:
            more = "more" if off > 0 else "less"
            return f"predicted weights are {abs(off):.2f} GiB {more} than logged"
    cache, room = logged.kv_cache_gib, run.sized.requested / GiB
    if cache is not None and cache < SMALL * room:
        return f"{cache:g} GiB remain of {room:.1f} GiB: a small difference of large numbers"
    if logged.max_num_seqs:
        return ""
    return run.engine.reason("kv_tokens", run.model, too_low=False)
