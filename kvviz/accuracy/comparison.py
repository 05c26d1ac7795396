"""Predicted against logged, one comparison a row and quantity, and why a row was not compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from kvviz.accuracy.deployment import Deployment
from kvviz.accuracy.reasons import reason_for
from kvviz.accuracy.resolve import Models
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
        gpu: as the row names it, empty where the quantity has none.
        engine: engine and version, as the row has them.
        predicted: kvviz's figure, None where the row was skipped; bytes, tokens or counts.
        logged: the row's.
        reason: why it was skipped, or the likely reason of a difference above 2 %.
        source: where the row comes from.
        confidence: how complete the log is, as the compilation grades it; empty elsewhere.
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
        """Whether the row does not allow this test."""
        return self.predicted is None

    @property
    def error(self) -> float:
        """(predicted - logged) / logged."""
        assert self.predicted is not None
        assert self.logged
        return self.predicted / self.logged - 1


Test = Callable[[Row, Models], tuple[float, float]]


def compared(
    quantity: Quantity, file: str, rows: list[Row], models: Models, test: Test
) -> Iterator[Comparison]:
    """Yield the comparison of every row: its figures, or why there are none."""
    for row in rows:
        predicted: float | None = None
        logged: float | None = None
        try:
            logged, predicted = test(row, models)
            reason = ""
            if abs(predicted / logged - 1) > MISS:
                reason = reason_for(quantity, row, models, predicted, logged)
        except Untestable as found:
            reason = str(found)
        yield Comparison(
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


def kv_bytes_per_token(row: Row, models: Models) -> tuple[float, float]:
    """Return logged and predicted bytes a token takes of one GPU, as the engine allocates it."""
    run, logged = Deployment(row, models), row.number("bytes_per_token_observed")
    cache = row.number("kv_cache_gib")
    if logged is None:
        tokens = _tokens(row)
        logged = row.positive("kv_cache_gib") * GiB / tokens
    if logged <= 0:
        raise Untestable("the logged bytes per token are not above 0")
    budget = int(cache * GiB) if cache is not None and cache > 0 else None
    return logged, run.token_bytes(budget)


def weights(row: Row, models: Models) -> tuple[float, float]:
    """Return logged and predicted bytes of one GPU after loading."""
    logged = row.positive("weights_gib") * GiB
    if "lora" in row.text("note").casefold():
        raise Untestable("the logged weights hold LoRA slots of a rank that is not given")
    if "backbone" in row.text("model"):
        raise Untestable("only the config of its backbone is known")
    return logged, Deployment(row, models).loaded().total


def kv_budget(row: Row, models: Models) -> tuple[float, float]:
    """Return logged and predicted bytes that one GPU leaves for the cache."""
    logged = row.positive("kv_cache_gib") * GiB
    return logged, _known_run(row, models).budget()[0]


def kv_tokens(row: Row, models: Models) -> tuple[float, float]:
    """Return logged and predicted tokens of the cache."""
    logged = _tokens(row)
    return logged, _known_run(row, models).budget()[1]


def _known_run(row: Row, models: Models) -> Deployment:
    """Return the run of a row that tells utilization and version.

    Raises:
        Untestable: one of them is not given.
    """
    run = Deployment(row, models)
    row.positive("gpu_memory_utilization")
    if run.version is None:
        raise Untestable("engine_version is not given")
    return run


def _tokens(row: Row) -> float:
    """Return the logged tokens, or blocks times their size."""
    if row.number("kv_tokens") is not None:
        return row.positive("kv_tokens")
    if row.number("gpu_blocks") is None:
        raise Untestable("kv_tokens is not given")
    return row.positive("gpu_blocks") * row.positive("block_size")


LOG_TESTS: Final[dict[Quantity, Test]] = {
    "kv_bytes_per_token": kv_bytes_per_token,
    "weights": weights,
    "kv_budget": kv_budget,
    "kv_tokens": kv_tokens,
}
