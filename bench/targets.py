"""What the pages shall reach, beside what was measured."""

from typing import Any

CROWD = 100
Results = dict[str, list[dict[str, Any]]]


def targets(results: Results) -> list[dict[str, Any]]:
    """Return a row for each target: measured, wanted, and whether it is reached."""
    large = _row(results["frames"], scene="512k", glyph="image")
    plain = _row(results["traffic"], scene="default")
    crowd = min(results["server"], key=lambda row: abs(row["viewers"] - CROWD))
    grid = _row(results["grid"], way="grid, an array a figure")
    moving = _row(results["opening"], page="hbm", first="animation")
    most = max(plain["switch_max_mb"], plain["slider_max_mb"])
    load = crowd["cpu_percent"] if crowd["viewers"] >= CROWD else None
    return [
        _target("frames a second at 512k pages", large["fps"], ">=", 55),
        _target("messages while playing", plain["messages"], "<=", 0),
        _target("MB a change, default scenario", most, "<=", 0.5),
        _target(f"% of a core, {CROWD} viewers", load, "<=", 2),
        _target("estimates a second, full grid", grid["estimates_per_second"], ">=", 1e6),
        _target("first animation / empty page", moving["times_empty"], "<=", 1.5),
        *serving_targets(results),
    ]


def serving_targets(results: Results) -> list[dict[str, Any]]:
    """Return the targets of the serving simulation."""
    totals = _row(results["replay"], engine="totals")
    pages = _row(results["replay"], engine="page records")
    cached = _row(results["replay"], engine="page records, prefixes")
    worst = max(row["exponent"] for row in results["growth"] if row["exponent"] is not None)
    return [
        _target("requests/s with totals / peer", totals["times_peer"], ">=", 30),
        _target("requests/s with page records / peer", pages["times_peer"], ">=", 5),
        _target("the same with prefix caching / peer", cached["times_peer"], ">=", 5),
        _target("time grows as (n log n) to the power", worst, "<=", 1.05),
    ]


def _row(rows: list[dict[str, Any]], **facts: str) -> dict[str, Any]:
    return next(row for row in rows if facts.items() <= row.items())


def _target(what: str, measured: float | None, sign: str, wanted: float) -> dict[str, Any]:
    """What was not measured is neither reached nor missed."""
    reached = None
    if measured is not None:
        reached = measured >= wanted if sign == ">=" else measured <= wanted
    return {
        "target": what,
        "measured": measured,
        "wanted": f"{sign} {wanted:g}",
        "reached": reached,
    }
