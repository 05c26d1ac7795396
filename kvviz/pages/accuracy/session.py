"""One visitor's state on the accuracy page: which rows count, and the log that is explained."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import param

from kvviz.accuracy.comparison import Comparison
from kvviz.accuracy.explain import Explanation, explained
from kvviz.accuracy.logged_rows import logged_run
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.rows import read_rows
from kvviz.accuracy.startup_log import LogError, read_log
from kvviz.accuracy.validation import shipped
from kvviz.engines.logged import LoggedRun
from kvviz.pages.kit.session import PageSession

ALL: Final = "all"
MOST_TEXT: Final = 1_000_000  # characters of a pasted log: with two ranks a start takes a third
AS_LOGGED: Final = "as logged"
EXAMPLE: Final = "L038"  # a model with images, experts and latent attention on one GPU
GRADES: Final = {"A": ("A", "A-"), "B and C": ("B", "C")}


class AccuracySession(PageSession):
    """Filters over the shipped rows, and one start-up log."""

    engine: str = param.String(ALL, label="Engine", doc="show only this engine")
    gpu: str = param.String(ALL, label="GPU", doc="show only this GPU")
    confidence: str = param.String(ALL, label="Confidence", doc="show only this grade of evidence")
    text: str = param.String("", doc="the log")
    given_model: str = param.String(
        AS_LOGGED, label="Model of the log", doc="use this model, whatever the log names"
    )
    given_gpu: str = param.String(
        AS_LOGGED, label="GPU of the log", doc="use this GPU, whatever the log names"
    )
    log: LoggedRun | None = param.ClassSelector(class_=LoggedRun)
    explanation: Explanation | None = param.ClassSelector(class_=Explanation)

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.param.watch(self._explain, ["given_model", "given_gpu"])
        problem = self.problem
        self.explain(example())
        self.problem = problem or self.problem

    def explain(self, text: str) -> None:
        """Explain a pasted log; one that cannot be read leaves nothing of the last one."""
        log, problem = None, ""
        try:
            log = _read(text)
        except LogError as error:
            problem = f"{str(error)[:1].upper()}{str(error)[1:]}."
        self.param.update(
            text=text if log else "", log=log, explanation=self._explained(log), problem=problem
        )

    def _explain(self, *_events: object) -> None:
        self.explanation = self._explained(self.log)

    def _explained(self, log: LoggedRun | None) -> Explanation | None:
        if log is None:
            return None
        given = {"model": self.given_model, "gpu": self.given_gpu}
        known = {name: value for name, value in given.items() if value != AS_LOGGED}
        return explained(log, Models({}), known)

    def shown(self) -> list[Comparison]:
        """Return the comparisons that the filters leave; tables of other kinds stay whole."""
        return [item for item in shipped() if item.file != "logs" or self._counts(item)]

    def _counts(self, item: Comparison) -> bool:
        graded = self.confidence == ALL or item.confidence in GRADES[self.confidence]
        same = (ALL, _value(item, "engine")), (ALL, _value(item, "gpu"))
        return graded and self.engine in same[0] and self.gpu in same[1]


def _read(text: str) -> LoggedRun | None:
    """Return what a text logs, None of an empty one; raises `LogError` where it is no log."""
    if len(text) > MOST_TEXT:
        raise LogError(f"the text is longer than the limit of {MOST_TEXT:,} characters")
    return read_log(text) if text.strip() else None


def choices(name: str) -> list[str]:
    """Return what a filter offers, the most frequent first."""
    if name == "confidence":
        return [ALL, *GRADES]
    values = [_value(item, name) for item in _of_logs(shipped())]
    return [ALL, *sorted({v for v in values if v}, key=lambda v: (-values.count(v), v))]


def _of_logs(comparisons: Iterable[Comparison]) -> Iterator[Comparison]:
    return (item for item in comparisons if item.quantity == "weights" and item.file == "logs")


def _value(item: Comparison, name: str) -> str:
    return item.gpu if name == "gpu" else item.engine.partition(" ")[0]


def example() -> str:
    """Return a shipped row's figures in the lines of the engine that logged them."""
    run = logged_run(next(row for row in read_rows("logs") if row.id == EXAMPLE))
    requested = (run.total_gpu_memory_gib or 0) * (run.gpu_memory_utilization or 0)
    return "\n".join(
        (
            f"Initializing a V1 LLM engine ({run.engine_version}) with config: "
            f"model='{run.model}', dtype={run.dtype}, tensor_parallel_size={run.tp}",
            f"total_memory={run.total_gpu_memory_gib}GiB, "
            f"utilization ({run.gpu_memory_utilization}, {requested:.2f} GiB)",
            f"weights memory: {run.weights_gib}GiB",
            f"torch peak memory increase: {run.activation_peak_gib}GiB",
            f"non-torch forward increase memory: {run.non_torch_gib}GiB",
            f"Available KV cache memory: {run.kv_cache_gib} GiB",
            f"GPU KV cache size: {run.kv_tokens:,} tokens",
            f"Maximum concurrency for {run.max_model_len:,} tokens per request: "
            f"{run.max_concurrency}x",
        )
    )
