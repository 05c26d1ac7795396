"""One visitor's state on the serving page: the settings, and the two runs that follow."""

from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import param

from kvviz.catalog.names import UnknownName
from kvviz.pages.kit.session import PageSession
from kvviz.pages.serving.load import MOST_REQUESTS, TRACE, Load, workload
from kvviz.pages.serving.served import Served, served
from kvviz.pages.serving.turns import Place, at_once
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.settings.serving import Serving, serving_knobs
from kvviz.sim.policies import find_policy, policies
from kvviz.sim.pool import the_pool
from kvviz.sim.simulate import check, simulate
from kvviz.sim.workload.traces import TraceError, four_characters, read_workload
from kvviz.sim.workload.workload import Workload

HARDWARE: Final = ("model", "gpu", "kv_dtype", "mode", "engine_version")  # of the scenario
PAGE_DEFAULTS: Final[dict[str, Any]] = {
    "num_blocks": 1501,
    "max_num_seqs": 48,
    "max_num_batched_tokens": 1024,
    "max_model_len": 4800,
    "prefix_caching": True,
    "mode": "vllm",
}
SERVING_DEFAULTS: Final = {n: v for n, v in PAGE_DEFAULTS.items() if n in serving_knobs()}
MOST_POOL = 300_000  # blocks: the browser holds five bytes of each, twice
MOST_BLOCKS = 300_000  # that requests take in both runs together: each change is sent
MOST_OUTPUT = 250_000  # tokens: as many steps at most, were each request served alone
MOST_TRACE_BYTES = 16 * 2**20


class Runs(NamedTuple):
    """The same requests under two policies."""

    workload: Workload
    a: Served
    b: Served

    @property
    def seconds(self) -> float:
        """Until both have ended."""
        return max(self.a.seconds, self.b.seconds)


class ServingSession(PageSession):
    """The settings with their two runs; a change of any of them simulates both, once.

    Settings that contradict each other, or ask for more than a shared server gives, leave the
    last good runs in place and say why in `problem`. Where it reads and simulates is the page's
    choice: here and now, until the page says otherwise.
    """

    simulating: Place
    reading: Place

    scenario: Scenario = param.ClassSelector(class_=Scenario, constant=True)
    serving: Serving = param.ClassSelector(class_=Serving, constant=True, doc="its policy is A")
    load: Load = param.ClassSelector(class_=Load, constant=True)
    against: str = param.Selector(
        default="orca", objects=list(policies()), label="Policy B", doc="policy to compare with"
    )
    trace: Workload | None = param.ClassSelector(class_=Workload, doc="the visitor's own")
    runs: Runs = param.ClassSelector(class_=Runs)
    broken: str = param.String("", doc="what is wrong with the trace that was given last")
    partial: bool = param.Boolean(False, doc="whether that trace's other rows could be kept")
    given: int = param.Integer(0, doc="moves when a trace has been read, or not")
    follow: int | None = param.Integer(
        None, bounds=(0, MOST_REQUESTS), allow_None=True, doc="request to follow when it opens"
    )
    at: float | None = param.Number(
        None, bounds=(0, 1e9), allow_None=True, doc="seconds at which to open"
    )

    def __init__(self, **params: Any) -> None:
        params.setdefault("scenario", Scenario(mode=PAGE_DEFAULTS["mode"]))
        params.setdefault("serving", Serving(**SERVING_DEFAULTS))
        params.setdefault("load", Load())
        super().__init__(**params)
        self._unread = (b"", "")
        self.simulating = self.reading = at_once
        problem = self.problem
        self._simulate()
        self.problem = problem or self.problem
        self.scenario.param.watch(self._simulate, list(HARDWARE))
        self.serving.param.watch(self._simulate, list(serving_knobs()))
        self.load.param.watch(self._simulate, [name for name in Load.param if name != "name"])
        self.param.watch(self._simulate, "against")
        self.param.watch(self._serve_trace, "trace")

    def give(self, content: bytes, name: str, keep_good: bool = False) -> None:
        """Take a trace of the visitor's own; a bad one is said in `broken`, and kept for later."""
        self._unread = (content, name)
        self.reading(partial(_read, content, name, keep_good), partial(self._take, keep_good))

    def _take(self, kept_good: bool, read: Workload | TraceError) -> None:
        if isinstance(read, TraceError):
            self.refuse(str(read), read.line is not None and not kept_good)
            return
        self._unread = (b"", "")
        self.param.update(trace=read, broken="", partial=False, given=self.given + 1)
        self.load.traffic = TRACE

    def refuse(self, why: str, partly: bool = False) -> None:
        """Say what is wrong with a trace, and whether it could be taken in part."""
        self.param.update(broken=why, partial=partly, given=self.given + 1)

    def keep_good(self) -> None:
        """Read the last trace again, without its bad rows."""
        self.give(*self._unread, keep_good=True)

    def _serve_trace(self, _event: Any) -> None:
        if self.load.traffic == TRACE:
            self._simulate()

    def _simulate(self, *_events: Any) -> None:
        settings = (self.scenario.replaced(), self.serving.replaced(), self.against)
        self.simulating(partial(_try, *settings, self.load.copied(), self.trace), self._show)

    def _show(self, runs: Runs | str) -> None:
        if isinstance(runs, str):
            self.problem = runs
        else:
            self.param.update(runs=runs, problem="")


def _read(content: bytes, name: str, keep_good: bool) -> Workload | TraceError:
    """Return a trace's requests, or why there are none."""
    try:
        return read_workload(
            content,
            name=name,
            keep_good=keep_good,
            limit_bytes=MOST_TRACE_BYTES,
            count_tokens=four_characters,
        )
    except TraceError as error:
        return error


def _try(
    scenario: Scenario, serving: Serving, against: str, load: Load, trace: Workload | None
) -> Runs | str:
    """Return both runs, or in a sentence why there are none."""
    try:
        requests = workload(load, serving.max_model_len, trace)
        return simulated(scenario, serving, against, requests)
    except (ScenarioError, UnknownName, ValueError) as error:
        return f"{error}".removesuffix(".") + "."


def simulated(scenario: Scenario, serving: Serving, against: str, requests: Workload) -> Runs:
    """Return both runs.

    Raises:
        ScenarioError: settings contradict each other, or ask for too much work.
        UnknownName: a catalog has no such entry.
    """
    other = serving.replaced(policy=against)
    bound(scenario, (serving, other), requests)
    a, b = (served(simulate(scenario, one, requests, record=True)) for one in (serving, other))
    return Runs(requests, a, b)


def bound(scenario: Scenario, servings: tuple[Serving, ...], requests: Workload) -> None:
    """Raise `ScenarioError` where simulating and playing would take more than a server shares."""
    pool = the_pool(scenario, servings[0])
    blocks = pool.blocks
    if blocks > MOST_POOL:
        raise ScenarioError(
            f"the pool has {blocks:,} blocks, more than the {MOST_POOL:,} that this page plays; "
            f"expected fewer, or a larger block size"
        )
    last = np.minimum(requests.prompt + requests.output, servings[0].max_model_len)
    output = int(np.maximum(last - requests.prompt, 0).sum())
    taken = 0
    for serving in servings:
        check(the_pool(scenario, serving).serving, requests, blocks)
        cache = find_policy(serving.policy).cache
        taken += int(cache.largest(serving, blocks, requests.prompt, last)[1].sum())
    if taken > MOST_BLOCKS or output > MOST_OUTPUT:
        raise ScenarioError(
            f"these {len(requests):,} requests take {taken:,} blocks over both runs and generate "
            f"{output:,} tokens; this page plays at most {MOST_BLOCKS:,} blocks and "
            f"{MOST_OUTPUT:,} tokens: expected fewer requests, or larger blocks"
        )
