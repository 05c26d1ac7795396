"""A start-up log reconciled: each GiB that the engine logs next to the predicted one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kvviz.accuracy.entries import ROUNDING, Entry, entries
from kvviz.accuracy.failures import failed
from kvviz.accuracy.planned import PlannedRun
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.rows import Untestable
from kvviz.catalog.gpus.shipped import gpus
from kvviz.engines.logged import LoggedRun
from kvviz.engines.registry import find_engine
from kvviz.settings.version import read_version, spelled
from kvviz.units import GiB

SHARE: Final = "gpu_memory_utilization"
SETTINGS: Final = (
    *("model", "gpu", "engine", "engine_version", "tp", "pp", "dtype", "quantization"),
    *("kv_dtype", "max_model_len", SHARE, "block_size", "eager", "cap"),
)
LORA: Final = "LoRA slots of unlogged rank are loaded beside the weights"
SAME_DEVICE: Final = 0.02  # GiB between a logged total and the catalog's


@dataclass(frozen=True)
class Explanation:
    """A log next to the prediction.

    Args:
        facts: model, GPU, version and settings, as logged or as given.
        entries: every figure, in the order of the arithmetic.
        total_gib: memory of the device, None if it is not known.
        sums: whether the log's own figures add up, in one sentence; empty if some are missing.
        failure: why the start failed, on one line; empty if it did not.
        notes: what could not be predicted, and what was assumed for missing settings.
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
    logged: LoggedRun, models: Models, given: Mapping[str, Any] | None = None
) -> Explanation:
    """Return a log reconciled with what kvviz predicts.

    Args:
        logged: the log's figures and settings.
        models: configs that the model's name is looked up in.
        given: settings by the user, typed, by field of `LoggedRun`; they replace the log's.
    """
    notes: list[str] = []
    run = PlannedRun(_settled(logged, given or {}, notes), models, LORA if logged.lora else "")
    found = entries(run, notes)
    return Explanation(
        {**_facts(run.logged), **_resolved(run)},
        tuple(entry for entry in found if entry.predicted or entry.logged is not None),
        _total(run),
        _sums(logged),
        failed(run),
        tuple(dict.fromkeys(notes)),
    )


def _settled(logged: LoggedRun, given: Mapping[str, Any], notes: list[str]) -> LoggedRun:
    """Return the run with the user's settings, and with assumed ones where neither has any."""
    unread = {name: told for name, told in logged.unread.items() if name not in given}
    found = replace(logged, **given, unread=unread)
    total = found.total_gpu_memory_gib
    name = _device_of(total) if total and not found.gpu else ""
    if name:
        notes.append(f"the GPU is not named; assumed {name}, with {total:g} GiB")
    return _with_defaults(replace(found, gpu=found.gpu or name), notes)


def _with_defaults(logged: LoggedRun, notes: list[str]) -> LoggedRun:
    """Return the run with its engine's default utilization if none is logged, and note it."""
    engine, version = find_engine(logged.engine), read_version(logged.engine_version)
    rules = version or engine.logged_without_version(prints_concurrency=False)
    if version is None and rules:
        older = "the older engine, before 0.8"
        used = older if logged.older_core else f"{engine.label} {spelled(rules)}"
        notes.append(f"the version is not logged; using the rules of {used}")
    share = engine.default_share(rules)
    stated = logged.gpu_memory_utilization is not None or SHARE in logged.unread
    if share is None or stated:
        return logged
    notes.append(f"utilization is not logged; using the default, {share:g}")
    return replace(logged, gpu_memory_utilization=share)


def _device_of(total: float) -> str:
    """Return the catalog's GPU that has this CUDA total, empty if none has."""
    known = [gpu for gpu in gpus() if not gpu.cuda_total_assumed]
    near = [g for g in known if abs(g.cuda_bytes / GiB - total) < SAME_DEVICE]
    return near[0].name if near else ""


def _facts(logged: LoggedRun) -> dict[str, str]:
    """Spell the settings that are known."""
    values = {name: getattr(logged, name) for name in SETTINGS}
    said = {name: value for name, value in values.items() if value not in (None, "")}
    spelt = {name: f"{v:g}" if isinstance(v, float) else str(v) for name, v in said.items()}
    signs = {"core": logged.older_core and "V0", "lora": logged.lora and "true"}
    return {**spelt, **{name: sign for name, sign in signs.items() if sign}}


def _total(run: PlannedRun) -> float | None:
    try:
        return run.memory / GiB
    except Untestable:
        return None


def _resolved(run: PlannedRun) -> dict[str, str]:
    """Return the catalog's names of the logged model and GPU."""
    found = {}
    for key in ("model", "gpu"):
        try:
            found[key] = getattr(run, key).name
        except Untestable:
            continue
    return found


def _sums(logged: LoggedRun) -> str:
    """Return whether requested = weights + activations + non-torch (+ graphs) + cache.

    If several ranks log a KV cache, the nearest is used: the other figures are of one rank too.
    """
    requested, graphs = logged.requested_gib, logged.cuda_graphs_gib or 0.0
    taken = (logged.weights_gib, logged.activation_peak_gib, logged.non_torch_gib)
    parts = [part for part in taken if part is not None]
    if requested is None or len(parts) < len(taken) or not logged.kv_cache_of_ranks:
        return ""
    rest = requested - sum(parts)
    parts.append(min(logged.kv_cache_of_ranks, key=lambda cache: abs(rest - cache)))
    left = requested - sum(parts)
    spelled = " + ".join(f"{part:.2f}" for part in parts)
    allowed = 0.005 * (len(parts) + 1) + ROUNDING
    if abs(left) <= allowed:
        return f"{spelled} = {sum(parts):.2f} of the requested {requested:.2f} GiB: it adds up"
    if graphs and abs(left - graphs) <= allowed:
        return f"{spelled} + {graphs:.2f} of CUDA graphs = {requested:.2f} GiB: it adds up"
    return f"{spelled} = {sum(parts):.2f}; {left:+.2f} GiB of {requested:.2f} are unaccounted for"
