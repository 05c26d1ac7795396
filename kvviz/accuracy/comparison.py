"""Predicted against logged: one comparison per row and quantity, or why there is none."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from kvviz.accuracy.planned import PlannedRun
from kvviz.accuracy.rows import Row, Untestable
from kvviz.units import GiB

Quantity = Literal[
    "kv_bytes_per_token", "weights", "kv_budget", "kv_tokens", "parameters", "throughput"
]
QUANTITIES: Final[tuple[Quantity, ...]] = (
    "kv_bytes_per_token",
    "weights",
    "kv_budget",
    "kv_tokens",
    "parameters",
    "throughput",
)


@dataclass(frozen=True)
class Comparison:
    """One quantity of one row.

    Args:
        quantity: what is compared.
        row: the row's id.
        file: which table it is from: logs, params, weights or throughput.
        model: as the row names it.
        gpu: as the row names it, empty if the quantity has none.
        engine: engine and version, as the row has them.
        predicted: kvviz's figure, None if the row was skipped; bytes, tokens or counts.
        logged: the row's.
        reason: why it was skipped, or the likely reason for a difference above 2 %.
        source: where the row comes from.
        confidence: how complete the log is, as graded in its table; empty elsewhere.
    """

    quantity: Quantity
    row: str
    file: str
    model: str
    gpu: str
    engine: str
    predicted: float | None
    logged: float | None
    reason: str
    source: str
    confidence: str

    @property
    def skipped(self) -> bool:
        """Whether the row cannot be tested."""
        return self.predicted is None

    @property
    def error(self) -> float:
        """(predicted - logged) / logged."""
        assert self.predicted is not None
        assert self.logged
        return self.predicted / self.logged - 1


Subject = TypeVar("Subject")


def compared(
    quantity: Quantity,
    file: str,
    subjects: Iterable[tuple[Row, Subject]],
    test: Callable[[Subject], tuple[float, float]],
    reason_for: Callable[[Quantity, Subject, float, float], str],
) -> Iterator[Comparison]:
    """Yield one comparison per row: its figures, or why there are none.

    Args:
        quantity: what is compared.
        file: which table the rows are from.
        subjects: each row, and what was read from it.
        test: returns the given and the predicted figure of a subject.
        reason_for: returns the likely reason why the predicted figure differs from the given one.
    """
    for row, subject in subjects:
        try:
            logged, predicted = test(subject)
        except Untestable as found:
            yield _comparison(quantity, file, row, str(found))
            continue
        off = abs(predicted / logged - 1) > MISS
        reason = reason_for(quantity, subject, predicted, logged) if off else ""
        yield _comparison(quantity, file, row, reason, predicted, logged)


def _comparison(
    quantity: Quantity,
    file: str,
    row: Row,
    reason: str,
    predicted: float | None = None,
    logged: float | None = None,
) -> Comparison:
    return Comparison(
        quantity,
        row.id,
        file,
        row.text("model"),
        row.text("gpu"),
        " ".join(filter(None, (row.text("engine"), row.text("engine_version")))),
        predicted,
        logged,
        reason,
        row.text("source") or row.text("params_source"),
        row.text("confidence"),
    )


MISS: Final = 0.02


def kv_bytes_per_token(run: PlannedRun) -> tuple[float, float]:
    """Return logged and predicted bytes per token on one GPU, as the engine allocates them."""
    observed = run.known("bytes_per_token_observed").bytes_per_token_observed
    cache = run.known("kv_cache_gib").kv_cache_gib
    if observed is None:
        tokens = _tokens(run)
        observed = run.positive("kv_cache_gib") * GiB / tokens
    if observed <= 0:
        raise Untestable("the logged bytes per token are not above 0")
    budget = int(cache * GiB) if cache is not None and cache > 0 else None
    return observed, run.token_bytes(budget)


def weights(run: PlannedRun) -> tuple[float, float]:
    """Return logged and predicted bytes on one GPU after loading."""
    logged = run.positive("weights_gib") * GiB
    if run.logged.lora:
        raise Untestable("the logged weights include LoRA slots of unknown rank")
    if "backbone" in run.logged.model:
        raise Untestable("only the config of its backbone is known")
    return logged, run.loaded().total


def kv_budget(run: PlannedRun) -> tuple[float, float]:
    """Return logged and predicted bytes left for the KV cache on one GPU."""
    logged = run.positive("kv_cache_gib") * GiB
    _check_known(run)
    return logged, run.budget()[0]


def kv_tokens(run: PlannedRun) -> tuple[float, float]:
    """Return logged and predicted tokens of the KV cache."""
    logged = _tokens(run)
    _check_known(run)
    return logged, run.budget()[1]


def _check_known(run: PlannedRun) -> None:
    """Check that utilization and version are given; raises `Untestable` if not."""
    run.positive("gpu_memory_utilization")
    if run.version is None:
        raise Untestable("engine_version is not given")


def _tokens(run: PlannedRun) -> float:
    """Return the logged tokens, else blocks times block size."""
    if run.known("kv_tokens").kv_tokens is not None:
        return run.positive("kv_tokens")
    if run.known("gpu_blocks").gpu_blocks is None:
        raise Untestable("kv_tokens is not given")
    return run.positive("gpu_blocks") * run.positive("block_size")


LOG_TESTS: Final[dict[Quantity, Callable[[PlannedRun], tuple[float, float]]]] = {
    "kv_bytes_per_token": kv_bytes_per_token,
    "weights": weights,
    "kv_budget": kv_budget,
    "kv_tokens": kv_tokens,
}
