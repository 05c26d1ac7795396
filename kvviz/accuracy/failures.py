"""Why a start failed, in terms of memory."""

from collections.abc import Callable
from typing import Final

from kvviz.accuracy.planned import PlannedRun
from kvviz.accuracy.rows import Untestable
from kvviz.engines.logged import Cause, Failure
from kvviz.units import GiB

IN_MIB: Final = 1024  # MiB per GiB


def failed(run: PlannedRun) -> str:
    """Return why the start of a run failed, on one line; empty if it did not."""
    failure = run.logged.failure
    return EXPLAINED[failure.cause](failure, run) if failure else ""


def _no_blocks(failure: Failure, run: PlannedRun) -> str:
    try:
        plan = run.sized
        rest, requested = plan.room - plan.weights, plan.requested
        left = f" (predicted: {rest / GiB:+.2f} of the {requested / GiB:.2f} GiB requested remain)"
    except Untestable:
        left = ""
    return (
        f"Weights and activations use all the memory the engine may use, so no KV cache block is "
        f"left{left}; raise gpu_memory_utilization, add GPUs or use smaller weights."
    )


def _too_long(failure: Failure, run: PlannedRun) -> str:
    return (
        f"One sequence of {failure.length:,} tokens does not fit into a KV cache of "
        f"{failure.tokens:,} tokens. It starts with a max_model_len of at most "
        f"{failure.tokens:,}, a higher gpu_memory_utilization, an fp8 KV cache or more GPUs."
    )


def _cache_too_small(failure: Failure, run: PlannedRun) -> str:
    there = failure.free_gib or 0.0
    try:
        each = run.token_bytes(None)
        fits = f", about {int(there * GiB / each):,} tokens at {each:,.0f} B per token"
    except Untestable:
        fits = ""
    return (
        f"One sequence of {failure.length:,} tokens needs {failure.needed_gib:.2f} GiB of KV "
        f"cache, and only {there:.2f} GiB are available{fits}. To start, lower max_model_len, use "
        f"an fp8 KV cache, or add GPUs."
    )


def _out_of_memory(failure: Failure, run: PlannedRun) -> str:
    asked = failure.needed_gib or 0.0
    spelled = f"{asked:.2f} GiB" if asked > 1 else f"{asked * IN_MIB:.2f} MiB"
    try:
        weights = f"; the weights alone are {run.loaded().total / GiB:.2f} GiB per GPU"
    except Untestable:
        weights = ""
    return (
        f"PyTorch could not allocate another {spelled} on the GPU{weights}; "
        f"add GPUs, or use smaller weights or smaller batch settings."
    )


def _taken_by_others(failure: Failure, run: PlannedRun) -> str:
    return (
        f"Only {failure.free_gib:.2f} of {failure.total_gib:.2f} GiB were free at the start, less "
        f"than gpu_memory_utilization asks for: another process is using the rest."
    )


def _share_too_small(failure: Failure, run: PlannedRun) -> str:
    return (
        "The weights leave no memory for the KV cache under mem_fraction_static; raise "
        "mem_fraction_static or use more GPUs."
    )


def _unknown_architecture(failure: Failure, run: PlannedRun) -> str:
    return (
        "The start failed before any memory was allocated: the installed Transformers does not "
        "know this model's architecture."
    )


def _unsupported_dtype(failure: Failure, run: PlannedRun) -> str:
    return (
        "The start failed before any memory was allocated: this GPU cannot compute in that dtype."
    )


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
