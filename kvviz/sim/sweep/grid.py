"""The cells of a sweep: every model on every GPU, under every policy, at every rate."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, Self

from kvviz._version import __version__
from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.models.shipped import find_model
from kvviz.catalog.names import find_named
from kvviz.catalog.published.workloads import CONVERSATION, TRAFFIC
from kvviz.settings.scenario import Scenario
from kvviz.settings.serving import Serving
from kvviz.sim.policies import policies
from kvviz.sim.sweep.sentence import SweepError
from kvviz.sim.workload.synthetic import DEFAULT_REQUESTS, synthetic
from kvviz.sim.workload.traces import read_workload
from kvviz.sim.workload.workload import Workload


@dataclass(frozen=True, slots=True)
class Requests:
    """Which requests every cell serves: part of a trace, or drawn ones.

    Args:
        traffic: what is drawn where there is no trace.
        requests: how many are drawn.
        seed: of the drawing, the same in every cell.
        trace: absolute path of a trace, which every process of the sweep can read.
        digest: SHA-256 of the trace.
        start: requests of the trace to leave out at its start.
        limit: requests of the trace to serve at most.
    """

    traffic: str = CONVERSATION.name
    requests: int = DEFAULT_REQUESTS
    seed: int = 0
    trace: str | None = None
    digest: str = ""
    start: int = 0
    limit: int | None = None

    @classmethod
    def of_trace(cls, path: Path, start: int = 0, limit: int | None = None) -> Self:
        """Return the requests of a trace.

        Raises:
            OSError: the file cannot be read.
            TraceError: it is no trace.
        """
        absolute = str(path.resolve())
        digest = _digest(absolute)
        _trace(absolute, digest)
        return cls(trace=absolute, digest=digest, start=start, limit=limit)

    def workload(self, rate: float | None) -> Workload:
        """Return the requests arriving at `rate` per second, or at their own rate.

        Raises:
            ScenarioError: they have no rate that could be changed.
            SweepError: the trace is not there, or is another one.
        """
        if self.trace is None:
            traffic = find_named(self.traffic, TRAFFIC, "traffic")
            return synthetic(traffic, self.requests, self.seed, rate=rate)
        served = _trace(self.trace, self.digest).part(self.start, self.limit)
        return served if rate is None else served.at_rate(rate)


@lru_cache(maxsize=1)  # all cells of a sweep serve the same one
def _trace(path: str, digest: str) -> Workload:
    try:
        found = _digest(path)
    except OSError as error:
        raise SweepError(
            f"{path}: {error.strerror}; expected a trace that every process can read"
        ) from None
    if found != digest:
        raise SweepError(f"{path} has changed since the sweep began; expected the same trace")
    return read_workload(Path(path))


def _digest(path: str) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class Cell:
    """One simulation of a sweep.

    Args:
        number: its place in the table.
        scenario: settings of what is served on.
        serving: settings of how requests are served.
        rate: requests per second, None for the requests' own.
        requests: which they are.
        version: of kvviz that every process must have.
    """

    number: int
    scenario: Mapping[str, Any]
    serving: Mapping[str, Any]
    rate: float | None
    requests: Requests
    version: str = __version__


@dataclass(frozen=True)
class Grid:
    """A sweep's settings; names are resolved, and what is named twice is there once.

    Args:
        models: by catalog name.
        gpus: by catalog name.
        policies: by name.
        rates: requests per second, None for the requests' own.
        requests: which requests every cell serves.
        scenario: the other settings of what is served on.
        serving: the other settings of how requests are served.

    Raises:
        UnknownName: a catalog has no such entry.
    """

    models: tuple[str, ...] = (Scenario.param.model.default,)
    gpus: tuple[str, ...] = (Scenario.param.gpu.default,)
    policies: tuple[str, ...] = (Serving.param.policy.default,)
    rates: tuple[float | None, ...] = (None,)
    requests: Requests = Requests()
    scenario: Mapping[str, Any] = field(default_factory=dict)
    serving: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = {name: name for name in policies()}
        self._set("models", (find_model(name).name for name in self.models))
        self._set("gpus", (find_gpu(name).name for name in self.gpus))
        self._set("policies", (find_named(name, names, "policy") for name in self.policies))
        self._set("rates", self.rates)

    def _set(self, name: str, values: Any) -> None:
        object.__setattr__(self, name, tuple(dict.fromkeys(values)))

    def __len__(self) -> int:
        return len(self.models) * len(self.gpus) * len(self.policies) * len(self.rates)

    def cells(self) -> Iterator[Cell]:
        """Yield every cell, in the order of the table's rows."""
        axes = product(self.models, self.gpus, self.policies, self.rates)
        for number, (model, gpu, policy, rate) in enumerate(axes):
            scenario = {"model": model, "gpu": gpu, **self.scenario}
            serving = {"policy": policy, **self.serving}
            yield Cell(number, scenario, serving, rate, self.requests)

    def said(self) -> dict[str, Any]:
        """Return all that the rows depend on, ready for JSON."""
        return {**asdict(self), "version": __version__}
