"""A memory report as plain values, the same for the command line's JSON and for other programs."""

from typing import Any

from kvviz.memory.report import MemoryReport
from kvviz.scenario import Scenario

SAME: tuple[str, ...] = (
    "parameters",
    "active_parameters",
    "kv_bytes_per_token",
    "kv_bytes_per_token_all_layers",
    "state_bytes_per_sequence",
    "weights_bytes",
    "weights_bytes_per_gpu",
    "per_gpu",
    "kv",
    "state_bytes",
    "scores",
    "total_bytes",
    "capacity_bytes",
    "fits",
    "gpus_needed",
    "gpus_by_capacity",
    "gpus_tensor_parallel",
    "deployment",
    "efficiency",
    "deltas",
    "kinds",
)
"""Fields of the report that are answered as they are."""


def answer(scenario: Scenario, report: MemoryReport) -> dict[str, Any]:
    """Return the report of a scenario with exact integers, ready for JSON."""
    named = {"model": scenario.the_model.name, "gpu": scenario.the_gpu.name}
    figures = {name: getattr(report, name) for name in SAME}
    return {**named, **figures, "warnings": list(report.warnings), **_engine(report)}


def _engine(report: MemoryReport) -> dict[str, Any]:
    """Return what only mode vllm has: the budget of the KV cache and what was assumed for it."""
    budget = report.budget
    if budget is None:
        return {}
    return {
        "kv_budget_bytes": budget.bytes,
        "kv_blocks": budget.blocks,
        "kv_tokens": budget.tokens,
        "concurrency": budget.concurrency,
        "concurrency_at_max_length": budget.concurrency_at_max_length,
        "assumptions": [
            {"name": item.name, "value": item.gib, "source": item.source} for item in report.assumed
        ],
    }
