"""A memory report as plain values, the same for the command line's JSON and for other programs."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from kvviz.catalog.engine import Assumption
from kvviz.memory.capacity import KvBudget, assumptions, capacity_bytes, kv_budget
from kvviz.memory.kinds import Kind, kinds
from kvviz.memory.report import MemoryReport, check
from kvviz.settings.scenario import Scenario

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


def capacity_answer(scenario: Scenario) -> dict[str, Any]:
    """Return what the tightest GPU leaves for the KV cache, in either mode, ready for JSON.

    Raises:
        ScenarioError: settings contradict each other or the model does not split that way.
        UnknownName: no catalog has the model or the GPU.
    """
    check(scenario)
    model = scenario.the_model
    kind: Kind = kinds(scenario)["capacity_bytes"]
    return {
        "model": model.name,
        "gpu": scenario.the_gpu.name,
        "mode": scenario.mode,
        "capacity_bytes": capacity_bytes(scenario, scenario.the_gpu),
        **_budget(kv_budget(scenario, model)),
        "kind": kind,
        "assumptions": _assumed(assumptions(scenario, model, scenario.tp)),
    }


def _engine(report: MemoryReport) -> dict[str, Any]:
    """Return what only mode vllm has: the budget of the KV cache and what was assumed for it."""
    if report.budget is None:
        return {}
    return {**_budget(report.budget), "assumptions": _assumed(report.assumed)}


def _budget(budget: KvBudget) -> dict[str, Any]:
    return {
        "kv_budget_bytes": budget.bytes,
        "kv_blocks": budget.blocks,
        "kv_tokens": budget.tokens,
        "concurrency": budget.concurrency,
        "concurrency_at_max_length": budget.concurrency_at_max_length,
    }


def _assumed(items: Iterable[Assumption]) -> list[dict[str, Any]]:
    return [{"name": item.name, "value": item.gib, "source": item.source} for item in items]


def flat(report: MemoryReport) -> dict[str, Any]:
    """Return the report's figures as one row: names of parts put together, 0 where there is none.

    Left out is what is no number: the kinds, and where assumptions come from.
    """
    row: dict[str, Any] = {"past_own_maximum": bool(report.warnings)}
    for name in SAME:
        value = getattr(report, name)
        if name == "deployment":
            value = value or {"tp": 0, "pp": 0}
        if isinstance(value, dict):
            row |= {f"{name}_{part}": number for part, number in value.items()}
        else:
            row[name] = value or 0
    if report.budget is not None:
        row |= {f"budget_{name}": number for name, number in asdict(report.budget).items()}
    names = ((item, item.name.replace(" ", "_")) for item in report.assumed)
    row |= {f"assumed_{name}_gib": item.gib for item, name in names}
    return {name: value for name, value in row.items() if not name.startswith("kinds_")}
