"""A start-up log reconciled: each GiB that the engine names beside the predicted one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kvviz.accuracy.deployment import Deployment
from kvviz.accuracy.entries import ROUNDING, Entry, entries
from kvviz.accuracy.failures import failed
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.rows import Row, Untestable
from kvviz.accuracy.startup_log import StartupLog
from kvviz.catalog.gpus.shipped import gpus
from kvviz.settings.version import spelled
from kvviz.units import GiB

SAME_DEVICE: Final = 0.02  # GiB between a logged total and a catalog's reading


@dataclass(frozen=True)
class Explanation:
    """What a log comes to.

    Args:
        facts: model, GPU, version and settings, as read or as given.
        entries: every figure, in the order of the arithmetic.
        total_gib: what the device has, None where that is not known.
        sums: whether the log's own figures add up, in one sentence; empty where too few are there.
        failure: why the start failed, in one sentence; empty where it did not.
        notes: what could not be predicted, and what was taken instead of a missing setting.
    """

    facts: Mapping[str, str]
    entries: tuple[Entry, ...]
    total_gib: float | None
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
    facts |= _defaults(Deployment(Row("log", _cells(log, facts)), models), notes)
    run = Deployment(Row("log", _cells(log, facts)), models)
    found = entries(log, run, notes)
    return Explanation(
        {**facts, **_resolved(run)},
        tuple(entry for entry in found if entry.predicted or entry.logged is not None),
        _total(run),
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
    return facts, notes


def _defaults(run: Deployment, notes: list[str]) -> dict[str, str]:
    """Return what the engine takes where the log does not say; `notes` tells of it."""
    try:
        engine = run.engine
    except Untestable:
        return {}
    version = run.version or engine.logged_without_version(prints_concurrency=False)
    if run.version is None and version:
        older = run.row.text("core") == "V0"
        taken = "the older engine, before 0.8," if older else f"{engine.label} {spelled(version)}"
        notes.append(f"the version is not logged: the constants of {taken} are taken")
    share = engine.default_share(version)
    if share is None or run.row.text("gpu_memory_utilization"):
        return {}
    notes.append(f"utilization is not logged: {share:g}, the default")
    return {"gpu_memory_utilization": f"{share:g}"}


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
        "free": "free_before_gib",
    }
    found = {name: repr(log.numbers[key]) for key, name in columns.items() if key in log.numbers}
    eager = "enforce-eager" if facts.get("eager", "").casefold() == "true" else ""
    lora = "LoRA slots of a rank that is not logged lie beside the weights"
    reason = lora if facts.get("lora") else ""
    return {**found, "reason": reason, **facts, "note": eager}


def _total(run: Deployment) -> float | None:
    try:
        return run.memory / GiB
    except Untestable:
        return None


def _resolved(run: Deployment) -> dict[str, str]:
    """Return the names that the catalog has for what the log names."""
    found = {}
    for key in ("model", "gpu"):
        try:
            found[key] = getattr(run, key).name
        except Untestable:
            continue
    return found


def _sums(log: StartupLog) -> str:
    """Return whether requested = weights + activations + non-torch (+ graphs) + cache.

    Of several ranks' caches the one that comes nearest is taken, as the other figures are of one
    rank too.
    """
    names = ("requested", "weights", "activation", "non_torch", "kv_budget")
    if any(name not in log.numbers for name in names):
        return ""
    requested, *parts = (log.numbers[name] for name in names[:-1])
    graphs = log.numbers.get("graphs", 0.0)
    caches = log.ranks.get("kv_budget", ()) or (log.numbers["kv_budget"],)
    parts.append(min(caches, key=lambda cache: abs(requested - sum(parts) - cache)))
    left = requested - sum(parts)
    spelled = " + ".join(f"{part:.2f}" for part in parts)
    allowed = 0.005 * len(names) + ROUNDING
    if abs(left) <= allowed:
        return f"{spelled} = {sum(parts):.2f} of the requested {requested:.2f} GiB: it adds up"
    if graphs and abs(left - graphs) <= allowed:
        return f"{spelled} + {graphs:.2f} of CUDA graphs = {requested:.2f} GiB: it adds up"
    return f"{spelled} = {sum(parts):.2f}; {left:+.2f} GiB of {requested:.2f} are not named"
