"""The likely reason of a difference: what the row itself says, else what the figures point to."""

from typing import Final

from kvviz.accuracy.deployment import Deployment
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.rows import Row, Untestable
from kvviz.catalog.dtypes import width
from kvviz.catalog.models.model import Model
from kvviz.units import GiB

UNEXPLAINED: Final = "not explained yet"
ONE_MORE: Final = ("qwen3_next", "qwen3_5", "glm4_moe", "deepseek")
SMALL: Final = 0.15  # of the requested memory: a small rest of large terms
NEAR: Final = 0.005


def reason_for(quantity: str, row: Row, models: Models, predicted: float, logged: float) -> str:
    """Return the likely reason why `predicted` is not `logged`, in one phrase."""
    for found in (_stated(row), _computed(quantity, row, models, predicted, logged)):
        if found:
            return found
    return UNEXPLAINED


def _stated(row: Row) -> str:
    """Return what the row says of a difference."""
    if row.text("reason"):
        return row.text("reason")
    note = row.text("note")
    if "lora" in note.casefold():
        return "launched by another program: LoRA slots and batch settings are not logged"
    return note if any(word in note for word in ("MTP", "buffer", "rounded")) else ""


def _computed(quantity: str, row: Row, models: Models, predicted: float, logged: float) -> str:
    run = Deployment(row, models)
    try:
        model = run.model
        if quantity == "weights" and (
            told := run.engine.reason(quantity, model, predicted < logged)
        ):
            return told
        if quantity in ("weights", "parameters"):
            return _weights(model, quantity, predicted, logged)
        if quantity in ("kv_tokens", "kv_budget"):
            return _budget(run)
        if quantity == "throughput":
            return "assumed efficiencies and batch; a roofline, not a measurement"
    except Untestable:
        pass
    return ""


def _weights(model: Model, quantity: str, predicted: float, logged: float) -> str:
    number = 1 if quantity == "parameters" else width(model.dtype)
    head = model.vocab_size * model.hidden_size * number
    if model.tied and abs(logged - predicted - head) < NEAR * logged:
        return "the checkpoint stores the tied head a second time"
    if model.tower_parameters is None:
        return "its vision tower is of a kind that is not counted"
    beside = [note for note in model.notes if "prediction" in note]
    if beside and logged > predicted:
        return beside[0]
    layer = sum(g.count for g in model.tensors if g.layer == len(model.layers) - 1) * number
    if 0.8 * layer < logged - predicted < 1.6 * layer and model.family.startswith(ONE_MORE):
        return "about a layer more: multi-token prediction, which is not counted"
    quantized = any(group.dtype != model.dtype for group in model.tensors)
    return "which matrices stay unquantized is not in the row" if quantized else ""


def _budget(run: Deployment) -> str:
    if run.row.text("cap"):
        return run.row.text("cap")
    weights = run.row.number("weights_gib")
    if weights:
        off = run.loaded().total / GiB - weights
        if abs(off) > 0.03 * weights:
            return f"weights are {abs(off):.2f} GiB {'more' if off > 0 else 'less'} than logged"
    cache, room = run.row.number("kv_cache_gib"), run.sized.requested / GiB
    if cache is not None and cache < SMALL * room:
        return f"{cache:g} GiB are what {room:.1f} GiB leave: a small rest of large terms"
    if run.row.text("max_num_seqs"):
        return ""
    return run.engine.reason("kv_tokens", run.model, too_low=False)
