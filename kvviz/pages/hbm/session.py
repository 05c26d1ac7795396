"""One visitor's state: the scenario, and the timeline and report that follow from it."""

from collections.abc import Mapping
from math import ceil
from typing import Any, Final

import param

from kvviz.catalog.models.config import ConfigError
from kvviz.catalog.names import UnknownName
from kvviz.memory import MemoryReport
from kvviz.pages.hbm.results import Results, results, shared_results
from kvviz.pages.kit.session import PageSession
from kvviz.pages.kit.upload import UPLOAD_NAME, uploaded
from kvviz.scene.hbm.fleet import MOST
from kvviz.settings.scenario import Scenario, ScenarioError, knobs
from kvviz.timeline import Timeline

PAGE_DEFAULTS: Final[Mapping[str, Any]] = {"ragged": 0.5, "run_length": 8192}
MOST_CELLS = 16_000_000  # pages of all GPUs shown: the browser holds seven bytes of each


class Session(PageSession):
    """The scenario with its results; a change of any knob recomputes both, once.

    Settings that contradict each other leave the last good results in place and are explained in
    `problem`.
    """

    scenario: Scenario = param.ClassSelector(class_=Scenario, constant=True)
    timeline: Timeline = param.ClassSelector(class_=Timeline, doc="the run, page by page")
    report: MemoryReport = param.ClassSelector(class_=MemoryReport, doc="the memory at the context")
    results: Results = param.ClassSelector(
        class_=Results, doc="both, with everything else that is shown"
    )
    settled: int = param.Integer(0, doc="moves when a change of knobs has been dealt with")

    def __init__(self, **params: Any) -> None:
        params.setdefault("scenario", Scenario(**PAGE_DEFAULTS))
        super().__init__(**params)
        self.scenario.param.watch(self._recompute, list(knobs()))
        problem = self.problem
        self._recompute()
        self.problem = problem or self.problem

    @property
    def pages(self) -> int:
        """Whole pages in one GPU's usable memory."""
        return self.room // self.timeline.page_bytes

    @property
    def room(self) -> int:
        """Bytes of one GPU left for the model."""
        return self.report.room

    @property
    def which_gpu(self) -> str:
        """Which GPU of a deployment of several is shown, empty where it is the only one."""
        scenario = self.scenario
        if scenario.tp * scenario.pp == 1:
            return ""
        same = "each holds as much" if scenario.pp == 1 else "the fullest"
        return f"GPU 1 of {scenario.tp * scenario.pp}, {same}"

    @property
    def gpus_shown(self) -> int:
        """GPUs that the run needs by its end, as many as the picture shows."""
        most = self.timeline.totals["total"].max() / self.room
        return min(MOST, max(1, ceil(most)), max(1, MOST_CELLS // self.pages))

    def upload(self, content: bytes | str) -> None:
        """Take a ``config.json`` of the user's own as the model; a bad one is a `problem`."""
        try:
            model = uploaded(content)
        except ConfigError as error:
            self.problem = str(error)
            return
        own = {**self.scenario.own_models, UPLOAD_NAME: model}
        again = self.scenario.model == UPLOAD_NAME  # then the model's name does not change
        self.scenario.param.update(own_models=own, model=UPLOAD_NAME)
        if again:
            self._recompute()

    def _recompute(self, *_events: Any) -> None:
        own = self.scenario.model in self.scenario.own_models
        try:
            found = results(self.scenario) if own else shared_results(**self.scenario.settings())
        except (ScenarioError, UnknownName) as error:
            self.param.update(problem=str(error), settled=self.settled + 1)
            return
        told = {"report": found.report, "timeline": found.timeline, "results": found}
        self.param.update(**told, problem="", settled=self.settled + 1)
