"""All comparisons of four tables of facts, and a summary of each quantity."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from kvviz.accuracy.comparison import LOG_TESTS, MISS, QUANTITIES, Comparison, Quantity, compared
from kvviz.accuracy.logged_rows import planned
from kvviz.accuracy.published import checkpoint, parameters, throughput
from kvviz.accuracy.reasons import reason_of_row, reason_of_run
from kvviz.accuracy.resolve import Models, read_models
from kvviz.accuracy.rows import Row, read_rows

SHARES: Final = {"within_0_5": 0.005, "within_2": 0.02, "within_10": 0.1}


@dataclass(frozen=True)
class Summary:
    """How accurate one quantity is.

    Args:
        rows: comparisons made.
        skipped: rows that were not compared.
        median: the median absolute error, None without rows.
        worst: the largest absolute error, None without rows.
        within: fraction of the rows within 0.5, 2 and 10 %, by name.
        misses: comparisons more than 2 % off, the largest error first.
    """

    rows: int
    skipped: tuple[Comparison, ...]
    median: float | None
    worst: float | None
    within: Mapping[str, float | None]
    misses: tuple[Comparison, ...]


def validate(
    *,
    logs: Path | None = None,
    params: Path | None = None,
    weights: Path | None = None,
    throughputs: Path | None = None,
    configs: Path | None = None,
) -> list[Comparison]:
    """Compare every row of four tables with what kvviz predicts for it.

    Args:
        logs: what engines logged at their start.
        params: counts of parameters.
        weights: sizes of checkpoints.
        throughputs: published throughput.
        configs: folder of more configs, named ``org__model.json``.

    Raises:
        FactsError: a file is broken, or there is no such folder.
    """
    models = read_models(configs)
    runs = [(row, planned(row, models)) for row in read_rows("logs", logs)]
    found: list[Comparison] = []
    for quantity, test in LOG_TESTS.items():
        found += compared(quantity, "logs", runs, test, reason_of_run)
    found += _published("weights", "weights", weights, models, checkpoint)
    found += _published("parameters", "params", params, models, parameters)
    return [*found, *_published("throughput", "throughput", throughputs, models, throughput)]


def _published(
    quantity: Quantity,
    kind: str,
    path: Path | None,
    models: Models,
    test: Callable[[Row, Models], tuple[float, float]],
) -> Iterator[Comparison]:
    rows = [(row, row) for row in read_rows(kind, path)]
    reason = partial(reason_of_row, models)
    return compared(quantity, kind, rows, lambda row: test(row, models), reason)


@cache
def shipped() -> tuple[Comparison, ...]:
    """Return the comparisons of the shipped rows, made once."""
    return tuple(validate())


def summarised(comparisons: Iterable[Comparison]) -> Summary:
    """Return the summary of one quantity's comparisons."""
    every = list(comparisons)
    tested = [item for item in every if not item.skipped]
    errors = sorted(abs(item.error) for item in tested)
    shares = {
        name: sum(e <= most for e in errors) / len(errors) if errors else None
        for name, most in SHARES.items()
    }
    misses = sorted((i for i in tested if abs(i.error) > MISS), key=lambda i: -abs(i.error))
    return Summary(
        len(tested),
        tuple(item for item in every if item.skipped),
        median(errors) if errors else None,
        errors[-1] if errors else None,
        shares,
        tuple(misses),
    )


def by_quantity(comparisons: Iterable[Comparison]) -> dict[Quantity, Summary]:
    """Return the summary of every quantity."""
    every = list(comparisons)
    return {name: summarised(i for i in every if i.quantity == name) for name in QUANTITIES}


def answer(comparisons: Iterable[Comparison]) -> dict[str, Any]:
    """Return the summaries as plain values for JSON, fractions from 0 to 1."""
    return {
        name: {
            "rows": found.rows,
            "skipped": [_skipped(item) for item in found.skipped],
            "median": found.median,
            "worst": found.worst,
            **found.within,
            "misses": [_miss(item) for item in found.misses],
        }
        for name, found in by_quantity(comparisons).items()
        if name != "kv_budget"
    }


def _skipped(item: Comparison) -> dict[str, str]:
    return {"row": item.row, "file": item.file, "model": item.model, "reason": item.reason}


def _miss(item: Comparison) -> dict[str, Any]:
    return {
        "row": item.row,
        "file": item.file,
        "model": item.model,
        "gpu": item.gpu,
        "engine": item.engine,
        "predicted": item.predicted,
        "logged": item.logged,
        "error": item.error,
        "reason": item.reason,
        "source": item.source,
    }
