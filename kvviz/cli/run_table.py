"""A simulated run as a table."""

from typing import Any

from rich.table import Table

from kvviz.settings.scenario import Scenario
from kvviz.sim.results.outcome import Outcome
from kvviz.units import share, size


def heading(scenario: Scenario, outcome: Outcome) -> str:
    """Say in one line what was served, under which policy and on which GPU."""
    requests = len(outcome.workload)
    return (
        f"{outcome.workload.name}: {requests:,} request{'' if requests == 1 else 's'}, "
        f"{scenario.the_model.name} on {scenario.the_gpu.name}, tp {scenario.tp}, "
        f"policy {outcome.serving.policy}"
    )


def run_table(outcome: Outcome) -> Table:
    """Return the table of a run's figures, each with its kind."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    told = outcome.summary()
    for what, value in [*_scheduling(told), *_times(told), *_cache(told)]:
        table.add_row(what, value, "simulated")
    table.add_row("step times from", _rates(outcome), outcome.efficiency.kind)
    return table


def _scheduling(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("steps", f"{told['steps']:,}"),
        ("tokens computed", f"{told['scheduled_tokens']:,}"),
        ("preemptions", f"{told['preemptions']:,}"),
        ("  tokens recomputed after preemption", f"{told['lost_tokens']:,}"),
        ("peak running", f"{told['peak_running']:,}"),
        ("peak waiting", f"{told['peak_waiting']:,}"),
    ]


def _times(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("makespan", f"{told['makespan_s']:,.2f} s"),
        ("output", f"{told['throughput_tokens_per_s']:,.1f} tokens/s"),
        ("time to first token", _spread(told["ttft_s"], 1, "s")),
        ("time per output token", _spread(told["tpot_s"], 1000, "ms")),
    ]


def _spread(figures: dict[str, float | None], factor: float, unit: str) -> str:
    mean, median, late = (figures[name] for name in ("mean", "p50", "p99"))
    if mean is None or median is None or late is None:
        return "none"
    return (
        f"mean {mean * factor:,.3f}, median {median * factor:,.3f}, p99 {late * factor:,.3f} {unit}"
    )


def _cache(told: dict[str, Any]) -> list[tuple[str, str]]:
    kv = told["kv"]
    pool = f"{kv['blocks']:,} of {size(kv['block_bytes'])}"
    rows = [("KV blocks", pool), ("  peak in use", f"{kv['peak_blocks']:,}")]
    rows += [(f"  {name}", share(part, 2)) for name, part in kv["shares"].items() if part]
    return [
        *rows,
        ("prefix cache hits", f"{share(told['prefix_hit_rate'], 2)} of the tokens looked up"),
    ]


def _rates(outcome: Outcome) -> str:
    reached = outcome.efficiency
    return (
        f"MFU {reached.mfu:.3g}, MBU {reached.mbu:.3g}, {reached.overhead_s * 1000:.3g} ms overhead"
    )
