"""Why a start failed, in the terms of the memory."""

import re

from kvviz.accuracy.deployment import Deployment
from kvviz.accuracy.log_lines import NUMBER, SIZE
from kvviz.accuracy.rows import Untestable
from kvviz.accuracy.startup_log import StartupLog
from kvviz.units import GiB


def failed(log: StartupLog, run: Deployment) -> str:
    """Return why the start failed in one sentence, empty where it did not."""
    text = log.failure
    if not text:
        return ""
    for pattern, explain in EXPLAINED:
        found = re.search(pattern, text, re.IGNORECASE)
        if found:
            return explain(found, log, run)
    return f"The start failed: {text}"


def _no_blocks(_found: re.Match[str], log: StartupLog, run: Deployment) -> str:
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


def _too_long(found: re.Match[str], log: StartupLog, run: Deployment) -> str:
    length, tokens = (group.replace(",", "") for group in found.groups())
    return (
        f"One sequence of {int(length):,} tokens needs more KV cache than there is for "
        f"{int(tokens):,}: a max_model_len of at most {int(tokens):,} starts, or a higher "
        f"utilization, an fp8 cache or more GPUs."
    )


def _cache_too_small(found: re.Match[str], log: StartupLog, run: Deployment) -> str:
    length, needed, there = (group.replace(",", "") for group in found.groups())
    try:
        each = run.token_bytes(None)
        fits = f", about {int(float(there) * GiB / each):,} tokens at {each:,.0f} B each"
    except Untestable:
        fits = ""
    return (
        f"One sequence of {int(length):,} tokens needs {needed} GiB of KV cache and there are "
        f"{there} GiB{fits}; a smaller max_model_len, an fp8 cache or more GPUs make it start."
    )


def _out_of_memory(found: re.Match[str], log: StartupLog, run: Deployment) -> str:
    try:
        weights = f"; the weights alone are {run.loaded().total / GiB:.2f} GiB a GPU"
    except Untestable:
        weights = ""
    return (
        f"PyTorch asked for {found[1]} more and the GPU had no room{weights}; "
        f"more GPUs, smaller weights or smaller batch settings make room."
    )


def _taken_by_others(found: re.Match[str], log: StartupLog, run: Deployment) -> str:
    return (
        f"Only {found[1]} of {found[2]} GiB were free at the start, less than the utilization asks "
        f"for: another process holds the rest."
    )


def _sglang(_found: re.Match[str], log: StartupLog, run: Deployment) -> str:
    return "The weights leave no room under mem_fraction_static; a larger fraction or more GPUs do."


def _unknown_model(_found: re.Match[str], log: StartupLog, run: Deployment) -> str:
    return (
        "The start failed before any memory was taken: the installed Transformers does not know "
        "this model's architecture."
    )


def _capability(_found: re.Match[str], log: StartupLog, run: Deployment) -> str:
    return "The start failed before any memory was taken: this GPU cannot compute in that dtype."


EXPLAINED = (
    (r"no available memory for the cache blocks", _no_blocks),
    (
        r"max seq len \(?" + NUMBER + r"\)?.*larger than the maximum number of tokens that can be "
        r"stored in KV cache \(?" + NUMBER,
        _too_long,
    ),
    (
        r"max seq len \(?" + NUMBER + r"\)?.*?" + SIZE + r".*larger than the available kv cache "
        r"memory \(?" + SIZE,
        _cache_too_small,
    ),
    (r"out of memory\. tried to allocate ([\d.]+ [KMG]iB)", _out_of_memory),
    (r"free memory on device[^(]*\(([\d.]+)/([\d.]+)[^)]*\).*less than desired", _taken_by_others),
    (r"not enough memory\. please", _sglang),
    (r"does not recognize this architecture", _unknown_model),
    (r"compute capability", _capability),
)
"""What engines print when they give up, and what it means."""
