"""One visitor's state of the Explore page: the workload, its grid of reports, and what is shown."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import param

from kvviz.atlas import Axes, Reports, reports
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.gpus.shipped import gpus
from kvviz.catalog.models.config import ConfigError
from kvviz.catalog.models.model import Model
from kvviz.catalog.models.shipped import models
from kvviz.pages.explore.metrics import METRICS, Metric
from kvviz.pages.kit.session import PageSession
from kvviz.pages.kit.upload import UPLOAD_NAME, uploaded
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.shards.weights import weight_dtype

FIRST_MODELS: Final = (
    "meta-llama/Llama-3.2-1B-Instruct",
    "meta-llama/Llama-3.2-3B-Instruct",
    "meta-llama/Llama-2-7b-hf",
    "Qwen/Qwen2.5-7B",
    "meta-llama/Llama-3.1-8B",
    "Qwen/Qwen3-14B",
    "Qwen/Qwen2.5-32B",
    "meta-llama/Llama-3.1-70B",
    "meta-llama/Llama-3.1-405B",
)
FIRST_GPUS: Final = (
    "GeForce RTX 4090",
    "V100 SXM2 32GB",
    "L40S",
    "A100 SXM4 80GB",
    "H100 SXM5 80GB",
    "H200 SXM 141GB",
    "B200 SXM",
    "Instinct MI300X",
)
WORKLOAD: Final = (
    "context",
    "batch",
    "tp",
    "weights_dtype",
    "kv_dtype",
    "mode",
    "engine_version",
    "utilization",
    "own_models",
)
EXPLORE_DEFAULTS: Final = {"batch": 1, "context": 8192}
SLOT: Final = Scenario.param.max_model_len.default


class ExploreSession(PageSession):
    """The workload with the reports of every model on every GPU; a change recomputes them, once.

    The scenario's model and GPU are the chosen pair.
    """

    scenario: Scenario = param.ClassSelector(class_=Scenario, constant=True)
    metric: str = param.Selector(
        default="sequences", objects=list(METRICS), label="Show", doc="what the cells show"
    )
    shown: str = param.Selector(
        default="first",
        objects={"Well-known": "first", "All": "all"},
        label="Pairs",
        doc="first: a few well-known models and GPUs; all: the whole catalog",
    )
    find_model: str = param.String(
        "", label="Find models", doc="show models whose name, dtype or layers match"
    )
    find_gpu: str = param.String("", label="Find GPUs", doc="show GPUs whose name or type matches")
    sort: str = param.Selector(
        default="size",
        objects={"size": "size", "name": "name", "selected GPU": "value"},
        label="Models by",
        doc="order of the models",
    )
    sort_gpus: str = param.Selector(
        default="memory",
        objects={"memory": "memory", "bandwidth": "bandwidth", "year": "year"},
        label="GPUs by",
        doc="order of the GPUs",
    )
    reports: Reports = param.ClassSelector(class_=Reports, doc="reports of all models on all GPUs")

    def __init__(self, **params: Any) -> None:
        params.setdefault("scenario", Scenario(**EXPLORE_DEFAULTS))
        super().__init__(**params)
        self.scenario.param.watch(self._recompute, list(WORKLOAD))
        self.param.watch(self._recompute, "metric")
        problem = self.problem
        self._recompute()
        self.problem = problem or self.problem

    @property
    def how(self) -> Metric:
        """What is shown."""
        return METRICS[self.metric]

    @property
    def workload(self) -> Scenario:
        """The scenario as the metric uses it, with a max_model_len that holds its context."""
        scenario, metric = self.scenario, self.how
        return scenario.replaced(
            batch=scenario.batch if metric.of_batch else 1,
            tp=scenario.tp if metric.of_split else 1,
            max_model_len=max(SLOT, scenario.context),
        )

    def models(self) -> tuple[Model, ...]:
        """Return all models, the visitor's own first."""
        return (*self.scenario.own_models.values(), *models())

    def axes(self, **axes: Any) -> Axes:
        """Return the grid of the workload: all models and GPUs, or others as given."""
        workload = axes.pop("workload", self.workload)
        usual = {
            "models": self.models(),
            "gpus": gpus(),
            "dtypes": ((workload.weights_dtype, workload.kv_dtype),),
            "contexts": (workload.context,),
            "tps": (workload.tp,),
        }
        return Axes(workload, **{**usual, **axes})

    @property
    def chosen(self) -> tuple[int, int]:
        """The chosen pair's place among all models and all GPUs."""
        names = [model.name for model in self.reports.axes.models]
        return names.index(self.scenario.the_model.name), gpus().index(self.scenario.the_gpu)

    def figures(self) -> dict[str, Any]:
        """Return the chosen pair's report."""
        return self.reports.cell(*self.chosen, 0, 0, 0)

    def rows(self) -> list[int]:
        """Return the models shown, as places among all, in the order asked for."""
        every = self.reports.axes.models
        found = _found(self.find_model, every, model_words)
        own = len(every) - len(models())
        if not self.find_model and self.shown == "first":
            found = [i for i in found if i < own or every[i].name in FIRST_MODELS]
        return sorted(found, key=self._model_key)

    def columns(self) -> list[int]:
        """Return the GPUs shown, as places among all, in the order asked for."""
        found = _found(self.find_gpu, gpus(), gpu_words)
        if not self.find_gpu and self.shown == "first":
            found = [i for i in found if gpus()[i].name in FIRST_GPUS]
        return sorted(found, key=self._gpu_key)

    def _model_key(self, i: int) -> tuple[Any, ...]:
        name = self.reports.axes.models[i].name.rsplit("/", 1)[-1].casefold()
        size = int(self.reports.columns["weights_bytes"][i, 0, 0, 0, 0])
        if self.sort == "size":
            return (size, name)
        if self.sort == "name":
            return (name,)
        place = (i, self.chosen[1], 0, 0, 0)
        value = float(self.how.values(self.reports)[place])
        there = self.reports.column("fits")[place] and np.isfinite(value)
        return (not there, value if self.how.low_is_best else -value, size)

    def _gpu_key(self, i: int) -> tuple[Any, ...]:
        gpu = gpus()[i]
        by = {"memory": gpu.reported_mib, "bandwidth": gpu.bandwidth_gb_s, "year": gpu.year}
        return (by[self.sort_gpus], gpu.year, gpu.name)

    def choose(self, model: str, gpu: str) -> None:
        """Choose a pair; names that are not in the catalog are ignored."""
        known = {one.name for one in self.models()}
        if model in known and any(gpu == one.name for one in gpus()):
            self.scenario.param.update(model=model, gpu=gpu)

    def upload(self, content: bytes | str) -> None:
        """Take a ``config.json`` of the user's own as a row; a bad one is a `problem`."""
        own = self.scenario.own_models
        name = UPLOAD_NAME if not own else f"{UPLOAD_NAME} {len(own) + 1}"
        try:
            model = uploaded(content, name)
        except ConfigError as error:
            self.problem = str(error)
            return
        self.scenario.param.update(own_models={name: model, **own}, model=name)

    def _recompute(self, *_events: Any) -> None:
        try:
            found = reports(self.axes())
        except ScenarioError as error:
            self.problem = str(error)
            return
        self.param.update(reports=found, problem="")


def _found(words: str, every: Sequence[Any], of: Callable[[Any], str]) -> list[int]:
    wanted = words.casefold().split()
    texts = [of(one) for one in every]
    return [i for i, text in enumerate(texts) if all(word in text for word in wanted)]


def model_words(model: Model) -> str:
    """Return what a search looks for a model in: its names, dtypes and kinds of layers."""
    kinds = {layer.attention for layer in model.layers}
    parts = {group.part for group in model.tensors}
    experts = "moe experts" if "experts" in parts else "dense"
    dtypes = {weight_dtype(group, "native", model.dtype) for group in model.tensors}
    return " ".join([model.name, model.family, *kinds, experts, *dtypes]).casefold()


def gpu_words(gpu: Gpu) -> str:
    """Return what a search looks for a GPU in."""
    generation = gpu.architecture.partition(" (")[0]  # a die's name would find its other GPUs
    words = (gpu.name, gpu.vendor, generation, gpu.memory_type, gpu.form_factor, gpu.year)
    return " ".join(map(str, words)).casefold()
