"""Every figure of a start-up log next to the predicted one, and why they differ."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeVar

from kvviz.accuracy.planned import PlannedRun
from kvviz.accuracy.reasons import UNEXPLAINED, reason_of_run
from kvviz.accuracy.rows import Untestable
from kvviz.units import GiB

T = TypeVar("T")
Mark = Literal["good", "near", "off", "alone"]
Unit = Literal["GiB", "tokens", "blocks", "x"]
GOOD: Final = 0.02
NEAR: Final = 0.1
ROUNDING: Final = 0.011  # GiB: logs print two decimals


@dataclass(frozen=True)
class Entry:
    """One figure of a log, reconciled.

    Args:
        name: what it is.
        unit: of both figures.
        predicted: kvviz's figure, None if it has none.
        logged: the engine's figure, None if it is not logged.
        how: how it is predicted, in one phrase.
        kind: computed or assumed.
        reason: the likely reason for a difference above 2 %, empty without one.
    """

    name: str
    unit: Unit
    predicted: float | None
    logged: float | None
    how: str
    kind: Literal["computed", "assumed"]
    reason: str = ""

    @property
    def error(self) -> float | None:
        """(predicted - logged) / logged, None if one of them is missing."""
        if self.predicted is None or not self.logged:
            return None
        return self.predicted / self.logged - 1

    @property
    def mark(self) -> Mark:
        """How near the two are; sizes may also differ by the rounding to two decimals."""
        if self.error is None or self.predicted is None or self.logged is None:
            return "alone"
        rounded = self.unit == "GiB" and abs(self.predicted - self.logged) <= ROUNDING
        if rounded or abs(self.error) <= GOOD:
            return "good"
        return "near" if abs(self.error) <= NEAR else "off"


def entries(run: PlannedRun, notes: list[str]) -> list[Entry]:
    """Return the figures in the order of the arithmetic; missing settings go to `notes`."""
    found = _memory(run, notes) + _cache(run, notes)
    return [_with_reason(entry, run) for entry in found]


def _memory(run: PlannedRun, notes: list[str]) -> list[Entry]:
    """Return the sizes that add up to the requested memory."""
    logged = run.logged

    def guess(name: str, make: Callable[[], T]) -> T | None:
        return _tried(name, make, notes)

    share = logged.gpu_memory_utilization
    of_what = f"{run.engine.share_of} × {'' if share is None else f'{share:g}'}"
    parameters = guess("weights", lambda: f"{run.model.parameters:,} parameters")
    batch = guess("activation peak", lambda: f"{run.plan.limits.max_num_batched_tokens:,} tokens")
    taken = guess("activation peak", lambda: run.plan.taken)
    activation, other, graphs = (
        (part / GiB for part in (taken.activation, taken.non_torch, taken.graphs))
        if taken
        else (None, None, None)
    )
    return [
        Entry("Requested", "GiB", guess("requested", lambda: run.sized.requested / GiB),
              logged.requested_gib, of_what, "computed"),
        Entry("Weights", "GiB", guess("weights", lambda: run.loaded().total / GiB),
              logged.weights_gib, f"{parameters}, as stored" if parameters else "", "computed"),
        Entry("Activation peak", "GiB", activation,
              logged.activation_peak_gib, f"profiling step of {batch}" if batch else "", "assumed"),
        Entry("Non-PyTorch memory", "GiB", other,
              logged.non_torch_gib, "by version and tensor parallel size", "assumed"),
        Entry("CUDA graphs", "GiB", graphs,
              _taken_before(run), "taken before the KV cache", "assumed"),
    ]  # fmt: skip


def _taken_before(run: PlannedRun) -> float | None:
    """Return the logged CUDA graphs if the release subtracts them before the KV cache."""
    try:
        return run.logged.cuda_graphs_gib if run.plan.taken.graphs else None
    except Untestable:
        return None


def _cache(run: PlannedRun, notes: list[str]) -> list[Entry]:
    """Return what is left for the KV cache, and what that holds."""
    logged = run.logged
    both = _tried("KV cache", run.budget, notes)
    room, tokens = both if both else (None, None)
    length = logged.concurrency_at
    per_token = _tried("KV cache", lambda: run.token_bytes(None), notes)
    each = f"÷ {per_token:,.0f} B per token" if per_token else ""
    budget = logged.kv_cache_gib
    alone = None
    if budget and budget > 0:
        alone = _tried(
            "KV tokens", lambda: budget * GiB / run.token_bytes(int(budget * GiB)), notes
        )
    blocks = _tried("KV blocks", lambda: run.sized.blocks, notes) if room else None
    return [
        *_states(run),
        Entry("KV cache", "GiB", room / GiB if room is not None else None, budget,
              "remaining memory", "assumed"),
        Entry("KV blocks", "blocks", blocks, logged.gpu_blocks, "whole blocks", "assumed"),
        Entry("KV tokens", "tokens", tokens, logged.kv_tokens, each, "assumed"),
        Entry("Tokens from the logged KV cache", "tokens", alone, logged.kv_tokens,
              f"{budget:g} GiB {each}" if budget else "", "computed"),
        Entry("Concurrency", "x", tokens / length if tokens and length else None,
              logged.max_concurrency, f"at {length:,} tokens" if length else "", "assumed"),
    ]  # fmt: skip


def _states(run: PlannedRun) -> list[Entry]:
    """Return what SGLang sets aside for the states of recurrent layers, besides the KV cache."""
    told = "set aside by mamba_full_memory_ratio, besides the KV cache"
    found = _tried("recurrent states", lambda: run.sized.states / GiB, []) or None
    return [Entry("Recurrent states", "GiB", found, run.logged.states_gib, told, "assumed")]


def _tried(name: str, make: Callable[[], T], notes: list[str]) -> T | None:
    """Return what `make` returns; None, with a note, if the log lacks what it needs."""
    try:
        return make()
    except Untestable as error:
        notes.append(f"{name}: {error}" if "config" not in str(error) else str(error))
        return None


def _with_reason(entry: Entry, run: PlannedRun) -> Entry:
    if entry.mark not in ("near", "off") or entry.predicted is None or entry.logged is None:
        return entry
    reason = _reason(entry, run)
    return replace(entry, reason=reason)


def _reason(entry: Entry, run: PlannedRun) -> str:
    predicted, logged = entry.predicted or 0.0, entry.logged or 0.0
    if entry.name == "Weights":
        return reason_of_run("weights", run, predicted * GiB, logged * GiB)
    if entry.name == "Activation peak":
        if run.split[1] > 1:
            return "logged by a pipeline stage without the sampler"
        told = "non-default batch settings, or images in the profiling step"
        return UNEXPLAINED if run.logged.max_num_seqs else told
    if entry.name == "Non-PyTorch memory":
        return "libraries and the driver differ between machines"
    if entry.name == "CUDA graphs":
        return "an average of a few logs: it grows with layers and capture sizes"
    if entry.name.startswith("KV") or entry.name == "Concurrency":
        return reason_of_run("kv_tokens", run, predicted, logged)
    return UNEXPLAINED
