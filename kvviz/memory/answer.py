"""A memory report as plain values, the same for the command line's JSON and for other programs."""

from dataclasses import asdict
from typing import Any

from kvviz.engines.base import Plan
from kvviz.memory.kinds import Kind, kinds
from kvviz.memory.report import MemoryReport, check
from kvviz.memory.room import MOST_CONTEXT
from kvviz.settings.scenario import Scenario
from kvviz.settings.version import spelled

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
    planned = plan_answer(report.plan, scenario.context)
    return {**named, **figures, "warnings": list(report.warnings), **planned}


def capacity_answer(scenario: Scenario) -> dict[str, Any]:
    """Return what the tightest GPU leaves for the KV cache under any engine, ready for JSON.

    Raises:
        ScenarioError: settings contradict each other or the model does not split that way.
        UnknownName: no catalog has the model, the GPU or the engine.
    """
    planned = check(scenario)
    kind: Kind = kinds(scenario)["capacity_bytes"]
    return {
        "model": scenario.the_model.name,
        "gpu": scenario.the_gpu.name,
        "mode": scenario.mode,
        "capacity_bytes": planned.requested,
        **plan_answer(planned, scenario.context),
        "kind": kind,
    }


def plan_answer(plan: Plan, context: int) -> dict[str, Any]:
    """Return an engine's plan for the KV cache, ready for JSON.

    Args:
        plan: of the tightest GPU.
        context: tokens of the sequences that `concurrency_at_context` counts.
    """
    layout = plan.layout
    return {
        "engine_version": spelled(plan.version) if plan.version else None,
        "block_size": layout.block_size if layout else None,
        "bytes_per_block": layout.bytes_per_block if layout else None,
        "kv_budget_bytes": max(plan.kv_bytes, 0),
        "kv_blocks": plan.blocks,
        "kv_tokens": plan.tokens,
        "concurrency": plan.concurrency,
        "concurrency_at_context": plan.concurrency_at(context) if layout else None,
        "longest_sequence": plan.longest(MOST_CONTEXT),
        "kv_groups": [asdict(group) for group in plan.groups],
        "taken": {
            "loaded_extra": plan.taken.extra,
            "activation": plan.taken.activation,
            "non_torch": plan.taken.non_torch,
            "graphs": plan.taken.graphs,
        },
        "limits": {"max_model_len": plan.deployment.max_model_len, **asdict(plan.limits)},
        "refused": plan.refused or None,
        "assumptions": [
            {"name": item.name, "value": item.gib, "source": item.source}
            for item in plan.assumptions
        ],
    }


def flat(report: MemoryReport) -> dict[str, Any]:
    """Return the report's figures as one row: names of parts put together, 0 where there is none.

    Leaves out what is not a number: the kinds, and the sources of assumptions.
    """
    row: dict[str, Any] = {"past_own_maximum": report.past_own_maximum}
    for name in SAME:
        value = getattr(report, name)
        if name == "deployment":
            value = value or {"tp": 0, "pp": 0}
        if isinstance(value, dict):
            row |= {f"{name}_{part}": number for part, number in value.items()}
        else:
            row[name] = value or 0
    row |= {
        "budget_bytes": max(report.plan.kv_bytes, 0),
        "budget_blocks": report.plan.blocks,
        "budget_tokens": report.plan.tokens or 0,
        "budget_concurrency": report.plan.concurrency or 0.0,
        "budget_concurrency_at_context": report.plan.concurrency_at(report.context),
    }
    for item in report.plan.assumptions:
        row[item.column] = item.gib
    return {name: value for name, value in row.items() if not name.startswith("kinds_")}
