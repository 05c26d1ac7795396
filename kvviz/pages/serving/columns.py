"""A run as arrays for the browser: blocks, requests and totals, in the timeline's unit of time."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kvviz.pages.serving.served import Served
from kvviz.pages.serving.session import Runs
from kvviz.scene.serving.overview import QUEUE_BOTTOM, QUEUE_TOP, SAMPLES, stacked

NS: Final = 1e9
BEFORE: Final = 0.02  # of the run
Rows = dict[str, NDArray[np.float64]]


def play_columns(run: Served, seconds: float, longest_queue: int) -> dict[str, Any]:
    """Return all that the browser plays of a run.

    Args:
        run: the run.
        seconds: until which the page plays.
        longest_queue: requests in the longer of both queues.
    """
    return {
        "unit": run.ns_per_unit / NS,
        "changes": dict(run.timeline.changes._asdict()),
        "lives": _lives(run),
        "requests": _requests(run),
        "steps": (run.step_ends / NS).astype(np.float64),
        "counts": _counts(run),
        "totals": totals(run),
        "areas": _areas(run, seconds),
        "queue": _queue(run, longest_queue),
    }


def _lives(run: Served) -> Rows:
    lives = run.lives
    times = {"start": lives.start / NS, "end": lives.end / NS}
    whole = {name: getattr(lives, name) for name in ("request", "phase", "step", "tokens")}
    return {**times, **{name: column.astype(np.float64) for name, column in whole.items()}}


def _requests(run: Served) -> Rows:
    names = ("prompt", "output", "queued_s", "end_s", "ttft_s", "tpot_s", "preemptions")
    chosen = {name: run.requests[name].astype(np.float64) for name in (*names, "cached_tokens")}
    first = np.searchsorted(run.lives.request, np.arange(len(chosen["prompt"])))
    return chosen | {"first": first.astype(np.float64)}  # of its phases


def _counts(run: Served) -> Rows:
    counts = run.counts
    whole = {name: getattr(counts, name) for name in ("running", "waiting", "ended")}
    return {"when": counts.ns / NS} | {n: column.astype(np.float64) for n, column in whole.items()}


def totals(run: Served) -> Rows:
    """Return what the pool holds at the engine's events: seconds, blocks, bytes and shares."""
    rows, block = run.timeline.totals, run.timeline.page_bytes
    taken = run.blocks - rows["free"] - rows["cached"]
    waste = np.divide(taken - rows["used"], taken, out=np.zeros_like(taken), where=taken > 0)
    return {
        "when": rows["when"] * run.ns_per_unit / NS,
        "unfilled": rows["internal"],
        "used_bytes": rows["used"] * block,
        "taken_bytes": taken * block,
        "waste": waste,
    }


def _areas(run: Served, seconds: float) -> Rows:
    """Return the pool over the run, at moments that are near enough to each other to be seen."""
    when = np.linspace(0, seconds, SAMPLES)  # (moments,)
    rows, unit = run.timeline.totals, run.ns_per_unit / NS
    at = np.maximum(np.searchsorted(rows["when"] * unit, when, side="right") - 1, 0)
    free, cached = rows["free"][at], rows["cached"][at]
    tops = stacked(run.timeline, when / unit, free, cached)
    return {"when": when, "base": np.zeros_like(when)} | {
        f"top{i}": top for i, top in enumerate(tops)
    }


def _queue(run: Served, longest: int) -> Rows:
    """Return the requests that wait over time, in the overview's coordinates."""
    share = run.counts.waiting / max(1, longest)
    return {
        "when": run.counts.ns / NS,
        "waiting": QUEUE_BOTTOM + (QUEUE_TOP - QUEUE_BOTTOM) * share,
    }


def longest_queue(runs: Runs) -> int:
    """Return the longest queue under either policy."""
    return int(max(runs.a.counts.waiting.max(), runs.b.counts.waiting.max()))


def opening(runs: Runs) -> tuple[int, float]:
    """Return the request to follow first, and when to open: where A has the most to show.

    The request is the one that takes longest of those that A preempts, else of all; the page opens
    a little before it joins.
    """
    requests = runs.a.requests
    joins = requests["scheduled_s"].astype(np.float64)
    takes = requests["end_s"].astype(np.float64) - joins
    preempted = requests["preemptions"].astype(np.int64) > 0
    chosen = int(np.where(preempted | ~preempted.any(), takes, -1).argmax())
    return chosen, max(0.0, float(joins[chosen]) - BEFORE * runs.seconds)
