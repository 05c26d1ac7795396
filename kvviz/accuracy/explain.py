"""A start-up log reconciled: each GiB that the engine names beside the predicted one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from kvviz.accuracy.deployment import Deployment
from kvviz.accuracy.failures import failed
from kvviz.accuracy.reasons import UNEXPLAINED, reason_for
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.rows import Row, Untestable
from kvviz.accuracy.startup_log import StartupLog
from kvviz.catalog.engine import read_version
from kvviz.catalog.gpus import gpus
from kvviz.units import GiB

Mark = Literal["good", "near", "off", "alone"]
Unit = Literal["GiB", "tokens", "blocks", "x"]
GOOD: Final = 0.02
NEAR: Final = 0.1
ROUNDING: Final = 0.011  # GiB: logs print two decimals
SAME_DEVICE: Final = 0.02  # GiB between a logged total and a catalog's reading


@dataclass(frozen=True)
class Entry:
    """One figure of a log, reconciled.

    Args:
        name: what it is.
        unit: of both figures.
        predicted: kvviz's figure, None where it has none.
        logged: the engine's, None where the log does not say.
        how: how the prediction is made, in one phrase.
        kind: computed or assumed.
        reason: the likely reason of a difference above 2 %, empty without one.
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
        """(predicted - logged) / logged, None where one of them is missing."""
        if self.predicted is None or not self.logged:
            return None
        return self.predicted / self.logged - 1

    @property
    def mark(self) -> Mark:
        """How near the two are; sizes may also differ by what two decimals cannot show."""
        if self.error is None or self.predicted is None or self.logged is None:
            return "alone"
        rounded = self.unit == "GiB" and abs(self.predicted - self.logged) <= ROUNDING
        if rounded or abs(self.error) <= GOOD:
            return "good"
        return "near" if abs(self.error) <= NEAR else "off"


@dataclass(frozen=True)
class Explanation:
    """What a log comes to.

    Args:
        facts: model, GPU, version and settings, as read or as given.
        entries: every figure, in the order of the arithmetic.
        sums: whether the log's own figures add up, in one sentence; empty where too few are there.
        failure: why the start failed, in one sentence; empty where it did not.
        notes: what could not be predicted, and what was taken instead of a missing setting.
    """

    facts: Mapping[str, str]
    entries: tuple[Entry, ...]
    sums: str
    failure: str
    notes: tuple[str, ...]

    def entry(self, name: str) -> Entry | None:
        """Return the entry of that name, if there is one."""
        return next((entry for entry in self.entries if entry.name == name), None)


def explained(
    log: StartupLog, models: Models, given: Mapping[str, str] | None = None
) -> Explanation:
    """Return a log reconciled with what kvviz predicts.

    Args:
        log: what was read.
        models: configs that the model's name is looked up in.
        given: settings that the user knows better, by column of the table of logs.
    """
    facts, notes = _facts(log, given or {})
    run = Deployment(Row("log", _cells(log, facts)), models)
    entries = _entries(log, run, notes)
    return Explanation(
        {**facts, **_resolved(run)},
        tuple(entry for entry in entries if entry.predicted or entry.logged is not None),
        _sums(log),
        failed(log, run),
        tuple(dict.fromkeys(notes)),
    )


def _facts(log: StartupLog, given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the settings, and what had to be taken for a missing one."""
    facts, notes = {**log.facts, **{k: v for k, v in given.items() if v}}, []
    total = log.numbers.get("total")
    if "gpu" not in facts and total:
        name = _device_of(total)
        if name:
            facts["gpu"] = name
            notes.append(f"the GPU is not named: {name} taken, whose total is {total:g} GiB")
    if "utilization" in log.numbers:
        given_share = given.get("gpu_memory_utilization")
        facts["gpu_memory_utilization"] = given_share or f"{log.numbers['utilization']:g}"
    if "gpu_memory_utilization" not in facts and facts.get("engine") == "vllm":
        version = read_version(facts.get("engine_version", "")) or (0, 19)
        facts["gpu_memory_utilization"] = "0.92" if version >= (0, 33) else "0.9"
        notes.append(f"utilization is not logged: {facts['gpu_memory_utilization']}, the default")
    if "engine_version" not in facts and facts.get("engine") == "vllm":
        notes.append("the version is not logged: the constants of vLLM 0.19 are taken")
    return facts, notes


def _device_of(total: float) -> str:
    """Return the catalog's GPU whose CUDA total was read as this, empty where none was."""
    known = [gpu for gpu in gpus() if not gpu.cuda_total_assumed]
    near = [g for g in known if abs(g.cuda_bytes / GiB - total) < SAME_DEVICE]
    return near[0].name if near else ""


def _cells(log: StartupLog, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the log as a row of the table of logs."""
    columns = {
        "total": "total_gpu_memory_gib",
        "weights": "weights_gib",
        "kv_budget": "kv_cache_gib",
        "tokens": "kv_tokens",
        "concurrency": "max_concurrency",
        "max_num_batched_tokens": "max_num_batched_tokens",
        "max_num_seqs": "max_num_seqs",
        "length": "max_model_len",
    }
    found = {name: repr(log.numbers[key]) for key, name in columns.items() if key in log.numbers}
    eager = "enforce-eager" if facts.get("eager", "").casefold() == "true" else ""
    return {**found, **facts, "note": eager}


def _resolved(run: Deployment) -> dict[str, str]:
    """Return the names that the catalog has for what the log names."""
    found = {}
    for key in ("model", "gpu"):
        try:
            found[key] = getattr(run, key).name
        except Untestable:
            continue
    return found


def _entries(log: StartupLog, run: Deployment, notes: list[str]) -> list[Entry]:
    found = _memory(log, run, notes) + _cache(log, run, notes)
    return [_with_reason(entry, run) for entry in found]


def _memory(log: StartupLog, run: Deployment, notes: list[str]) -> list[Entry]:
    """Return the sizes that add up to the requested memory."""
    numbers = log.numbers

    def guess(name: str, make: Any) -> float | None:
        return _tried(name, make, notes)

    share = run.row.text("gpu_memory_utilization")
    parameters = guess("weights", lambda: f"{run.model.parameters:,} parameters")
    batch = guess("activation peak", lambda: f"{run.batch.tokens:,} tokens")
    return [
        Entry("Requested", "GiB", guess("requested", lambda: run.requested() / GiB),
              numbers.get("requested"), f"total × {share}" if share else "total", "computed"),
        Entry("Weights", "GiB", guess("weights", lambda: run.loaded().total / GiB),
              numbers.get("weights"), f"{parameters}, as stored" if parameters else "", "computed"),
        Entry("Activation peak", "GiB", guess("activation peak", run.activation_gib),
              numbers.get("activation"), f"profiling step of {batch}" if batch else "", "assumed"),
        Entry("Outside torch", "GiB", guess("outside torch", run.non_torch_gib),
              numbers.get("non_torch"), "by version and tensor parallel size", "assumed"),
        Entry("CUDA graphs", "GiB", guess("CUDA graphs", run.graphs_gib),
              _taken_before(log, run), "what is taken before the cache", "assumed"),
    ]  # fmt: skip


def _taken_before(log: StartupLog, run: Deployment) -> float | None:
    """Return the logged graphs where the release subtracts them before the cache."""
    try:
        return log.numbers.get("graphs") if run.graphs_gib() else None
    except Untestable:
        return None


def _cache(log: StartupLog, run: Deployment, notes: list[str]) -> list[Entry]:
    """Return what is left for the cache, and what that holds."""
    numbers = log.numbers
    both = _tried("KV cache", run.budget, notes)
    room, tokens = both if both else (None, None)
    length = numbers.get("length")
    per_token = _tried("KV cache", lambda: run.token_bytes(None), notes)
    each = f"÷ {per_token:,.0f} B a token" if per_token else ""
    budget = numbers.get("kv_budget")
    alone = None
    if budget and budget > 0:
        alone = _tried(
            "KV tokens", lambda: budget * GiB / run.token_bytes(int(budget * GiB)), notes
        )
    blocks = _tried("KV blocks", lambda: _blocks(run, room), notes) if room else None
    return [
        Entry("KV cache", "GiB", room / GiB if room is not None else None, budget,
              "what is left", "assumed"),
        Entry("KV blocks", "blocks", blocks, numbers.get("blocks"), "whole blocks", "assumed"),
        Entry("KV tokens", "tokens", tokens, numbers.get("tokens"), each, "assumed"),
        Entry("Tokens from the logged KV cache", "tokens", alone, numbers.get("tokens"),
              f"{budget:g} GiB {each}" if budget else "", "computed"),
        Entry("Concurrency", "x", tokens / length if tokens and length else None,
              numbers.get("concurrency"), f"at {length:,.0f} tokens" if length else "", "assumed"),
    ]  # fmt: skip


def _blocks(run: Deployment, room: int) -> int:
    layouts = [layout for layout in run.layouts() if layout]
    return min(layout.blocks(max(room, 0)) for layout in layouts)


def _tried(name: str, make: Any, notes: list[str]) -> Any:
    """Return what `make` returns; None, with a note, where the log does not tell enough."""
    try:
        return make()
    except Untestable as error:
        notes.append(f"{name}: {error}" if "config" not in str(error) else str(error))
        return None


def _with_reason(entry: Entry, run: Deployment) -> Entry:
    if entry.mark not in ("near", "off") or entry.predicted is None or entry.logged is None:
        return entry
    reason = _reason(entry, run)
    return Entry(**{**entry.__dict__, "reason": reason})


def _reason(entry: Entry, run: Deployment) -> str:
    predicted, logged = entry.predicted or 0.0, entry.logged or 0.0
    if entry.name == "Weights":
        return reason_for("weights", run.row, run.models, predicted * GiB, logged * GiB)
    if entry.name == "Activation peak":
        if run.split[1] > 1:
            return "the line is that of a stage without the sampler"
        told = "other batch settings than the defaults, or images in the profiling step"
        return told if not run.row.text("max_num_seqs") else UNEXPLAINED
    if entry.name == "Outside torch":
        return "libraries and the driver differ between machines"
    if entry.name == "CUDA graphs":
        return "an average of a few logs: it grows with layers and captured sizes"
    if entry.name.startswith("KV") or entry.name == "Concurrency":
        return reason_for("kv_tokens", run.row, run.models, predicted, logged)
    return UNEXPLAINED


def _sums(log: StartupLog) -> str:
    """Return whether requested = weights + activations + non-torch (+ graphs) + cache."""
    names = ("requested", "weights", "activation", "non_torch", "kv_budget")
    if any(name not in log.numbers for name in names):
        return ""
    requested, *parts = (log.numbers[name] for name in names)
    graphs = log.numbers.get("graphs", 0.0)
    left = requested - sum(parts)
    spelled = " + ".join(f"{part:.2f}" for part in parts)
    allowed = 0.005 * len(names) + ROUNDING
    if abs(left) <= allowed:
        return f"{spelled} = {sum(parts):.2f} of the requested {requested:.2f} GiB: it adds up"
    if graphs and abs(left - graphs) <= allowed:
        return f"{spelled} + {graphs:.2f} of CUDA graphs = {requested:.2f} GiB: it adds up"
    return f"{spelled} = {sum(parts):.2f}; {left:+.2f} GiB of {requested:.2f} are not named"
