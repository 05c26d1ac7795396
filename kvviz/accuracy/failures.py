"""Why a start failed, in the terms of the memory."""

from collections.abc import Callable
from typing import Final

from kvviz.accuracy.planned import PlannedRun
from kvviz.accuracy.rows import Untestable
from kvviz.engines.logged import Cause, Failure
from kvviz.units import GiB

IN_MIB: Final = 1024  # MiB of a GiB


def failed(run: PlannedRun) -> str:
    """Return why the start of a run failed in one sentence, empty where it did not."""
    failure = run.logged.failure
    return EXPLAINED[failure.cause](failure, run) if failure else ""


def _no_blocks(failure: Failure, run: PlannedRun) -> str:
    try:
        plan = run.sized
        rest, requested = plan.room - plan.weights, plan.requested
        figures = f": {requested / GiB:.2f} GiB requested leave {rest / GiB:+.2f} after them"
    except Untestable:
        figures = ""
    return (
        f"Weights and activations fill what may be used, so no block of KV cache is left{figures}; "
        f"a higher utilization, more GPUs or smaller weights make room."
    )


def _too_long(failure: Failure, run: PlannedRun) -> str:
    return (
        f"One sequence of {failure.length:,} tokens needs more KV cache than there is for "
        f"{failure.tokens:,}: a max_model_len of at most {failure.tokens:,} starts, or a higher "
        f"utilization, an fp8 cache or more GPUs."
    )


def _cache_too_small(failure: Failure, run: PlannedRun) -> str:
    there = failure.free_gib or 0.0
    try:
        each = run.token_bytes(None)
        fits = f", about {int(there * GiB / each):,} tokens at {each:,.0f} B each"
    except Untestable:
        fits = ""
    return (
        f"One sequence of {failure.length:,} tokens needs {failure.needed_gib:.2f} GiB of KV cache "
        f"and there are {there:.2f} GiB{fits}; a smaller max_model_len, an fp8 cache or more GPUs "
        f"make it start."
    )


def _out_of_memory(failure: Failure, run: PlannedRun) -> str:
    asked = failure.needed_gib or 0.0
    spelled = f"{asked:.2f} GiB" if asked > 1 else f"{asked * IN_MIB:.2f} MiB"
    try:
        weights = f"; the weights alone are {run.loaded().total / GiB:.2f} GiB a GPU"
    except Untestable:
        weights = ""
    return (
        f"PyTorch asked for {spelled} more and the GPU had no room{weights}; "
        f"more GPUs, smaller weights or smaller batch settings make room."
    )


def _taken_by_others(failure: Failure, run: PlannedRun) -> str:
    return (
        f"Only {failure.free_gib:.2f} of {failure.total_gib:.2f} GiB were free at the start, less "
        f"than the utilization asks for: another process holds the rest."
    )


def _share_too_small(failure: Failure, run: PlannedRun) -> str:
    return "The weights leave no room under mem_fraction_static; a larger fraction or more GPUs do."


def _unknown_architecture(failure: Failure, run: PlannedRun) -> str:
    return (
        "The start failed before any memory was taken: the installed Transformers does not know "
        "this model's architecture."
    )


def _unsupported_dtype(failure: Failure, run: PlannedRun) -> str:
    return "The start failed before any memory was taken: this GPU cannot compute in that dtype."


def _unnamed(failure: Failure, run: PlannedRun) -> str:
    return f"The start failed: {failure.line}"


EXPLAINED: Final[dict[Cause, Callable[[Failure, PlannedRun], str]]] = {
    "no_blocks": _no_blocks,
    "sequence_too_long": _too_long,
    "cache_too_small": _cache_too_small,
    "out_of_memory": _out_of_memory,
    "taken_by_others": _taken_by_others,
    "share_too_small": _share_too_small,
    "unknown_architecture": _unknown_architecture,
    "unsupported_dtype": _unsupported_dtype,
    "unnamed": _unnamed,
}
