"""An estimate as a table: figures with their kind, assumptions with their source."""

from collections.abc import Iterator
from typing import Final

from rich.table import Table

from kvviz.engines.planning import versioned
from kvviz.memory import MemoryReport
from kvviz.memory.room import MOST_CONTEXT
from kvviz.settings.scenario import Scenario
from kvviz.units import share, size

Row = tuple[str, str, str]  # what, how much, of what kind
Section = tuple[str, list[Row]]

PARTS: Final = {
    "weights": "weights",
    "kv": "KV cache",
    "state": "recurrent state",
    "scores": "attention scores",
    "overhead": "engine overhead",
}
TOGGLES: Final = {
    "continuous": "continuous batching",
    "paged": "paged KV cache",
    "flash": "FlashAttention",
}


def report_table(scenario: Scenario, report: MemoryReport) -> Table:
    """Return the table of a scenario's report."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for title, rows in _sections(scenario, report):
        table.add_row()
        table.add_row(title, style="bold")
        for what, value, kind in rows:
            table.add_row(f"  {what}", value, kind)
    return table


def heading(scenario: Scenario) -> str:
    """Say in one line what is estimated."""
    sequences = "sequence" if scenario.batch == 1 else "sequences"
    return (
        f"{scenario.the_model.name} on {scenario.the_gpu.name}: "
        f"{scenario.batch:,} {sequences}, context {scenario.context:,} "
        f"of {scenario.final_length:,} tokens, tp {scenario.tp}, pp {scenario.pp}"
    )


def remarks(scenario: Scenario, report: MemoryReport) -> list[str]:
    """Return what the figures do not say: the report's warnings and the model's notes."""
    warnings = [f"Warning: {line}." for line in report.warnings]
    return warnings + [f"Note: {line}." for line in scenario.the_model.notes]


def _sections(scenario: Scenario, report: MemoryReport) -> Iterator[Section]:
    yield "Model", _model(report)
    yield "Total", _total(report)
    gpus = scenario.tp * scenario.pp
    yield f"Fullest of {gpus:,} GPUs" if gpus > 1 else "The GPU", _fullest(report)
    yield "GPUs", _gpus(report)
    yield "Saved by each on its own", _saved(report)
    if report.plan.version:
        yield f"KV cache on one GPU under {versioned(report.plan)}", _kv_cache(report)
    if report.plan.assumptions:
        taken = report.plan.assumptions
        yield "Assumed", [(a.name, f"{a.gib:,.2f} GiB", a.source) for a in taken]


def _model(report: MemoryReport) -> list[Row]:
    rows: list[Row] = [("parameters", f"{report.parameters:,}", report.kinds["parameters"])]
    if report.active_parameters != report.parameters:
        active = f"{report.active_parameters:,}"
        rows.append(("active per token", active, report.kinds["active_parameters"]))
    sizes = {
        "kv_bytes_per_token": "KV cache per token",
        "kv_bytes_per_token_all_layers": "KV cache per token, windowed layers included",
        "state_bytes_per_sequence": "recurrent state per sequence",
    }
    if report.kv_bytes_per_token == report.kv_bytes_per_token_all_layers:
        del sizes["kv_bytes_per_token_all_layers"]
    if not report.state_bytes_per_sequence:
        del sizes["state_bytes_per_sequence"]
    return rows + [
        (what, size(getattr(report, name)), report.kinds[name]) for name, what in sizes.items()
    ]


def _total(report: MemoryReport) -> list[Row]:
    kv, kind = report.kv, report.kinds["kv"]
    rows = [
        ("weights", size(report.weights_bytes), report.kinds["weights_bytes"]),
        ("KV cache, allocated", size(kv["allocated_bytes"]), kind),
        ("  used", size(kv["used_bytes"]), kind),
        ("  reserved for later tokens", size(kv["reserved_bytes"]), kind),
        ("  internal fragmentation", size(kv["internal_bytes"]), kind),
        ("  used / allocated", share(report.efficiency, 2), report.kinds["efficiency"]),
    ]
    if report.state_bytes:
        state = size(report.state_bytes)
        rows.append(("recurrent state", state, report.kinds["state_bytes"]))
    rows.append(("attention scores", size(report.scores["bytes"]), report.kinds["scores"]))
    if report.scores["avoided_bytes"]:
        avoided = size(report.scores["avoided_bytes"])
        rows.append(("  avoided by FlashAttention", avoided, report.kinds["scores"]))
    return [*rows, ("total", size(report.total_bytes), report.kinds["total_bytes"])]


def _fullest(report: MemoryReport) -> list[Row]:
    kind = report.kinds["per_gpu"]
    rows = [
        (what, size(report.per_gpu[part]), kind)
        for part, what in PARTS.items()
        if report.per_gpu[part]
    ]
    fits = "yes" if report.fits else "no"
    return [
        *rows,
        ("total", size(report.per_gpu["total"]), kind),
        ("capacity", size(report.capacity_bytes), report.kinds["capacity_bytes"]),
        ("fits in capacity", fits, report.kinds["fits"]),
    ]


def _gpus(report: MemoryReport) -> list[Row]:
    split = report.deployment
    how = f" (tp {split['tp']}, pp {split['pp']})" if split else ""
    return [
        (f"needed{how}", _count(report.gpus_needed), report.kinds["gpus_needed"]),
        (
            "with tensor parallel only",
            _count(report.gpus_tensor_parallel),
            report.kinds["gpus_tensor_parallel"],
        ),
        (
            "by capacity alone",
            _count(report.gpus_by_capacity),
            report.kinds["gpus_by_capacity"],
        ),
    ]


def _count(gpus: int | None) -> str:
    return "does not fit" if gpus is None else f"{gpus:,}"


def _saved(report: MemoryReport) -> list[Row]:
    kind = report.kinds["deltas"]
    return [(what, size(report.deltas[name]), kind) for name, what in TOGGLES.items()]


def _kv_cache(report: MemoryReport) -> list[Row]:
    plan, kind = report.plan, report.kinds["kv_tokens"]
    rows = [
        ("memory left for it", size(max(plan.kv_bytes, 0)), report.kinds["kv_budget_bytes"]),
        ("blocks", f"{plan.blocks:,}", report.kinds["kv_blocks"]),
    ]
    if plan.tokens is None or plan.concurrency is None:
        longest = f"{plan.longest(MOST_CONTEXT):,} tokens"
        return [*rows, ("longest request that fits", longest, kind)]
    at_most = f"concurrent requests of {plan.deployment.max_model_len:,} tokens"
    at_context = f"concurrent requests of {report.context:,} tokens"
    return [
        *rows,
        ("tokens", f"{plan.tokens:,}", kind),
        (at_most, f"{plan.concurrency:,.2f}", kind),
        (at_context, f"{plan.concurrency_at(report.context):,.2f}", kind),
    ]
