"""The page's controls: what is shown, of which workload, and which pairs."""

from collections.abc import Iterable
from typing import Any

from kvviz.engines.planning import in_force
from kvviz.engines.registry import engines, find_engine
from kvviz.pages.explore.heatmap import EXPLORE_CSS
from kvviz.pages.explore.metrics import METRICS
from kvviz.pages.explore.session import ExploreSession
from kvviz.pages.explore.table import downloads
from kvviz.pages.kit.inputs import Knob, bound, current, spelled, stepped
from kvviz.pages.kit.look import Row
from kvviz.pages.kit.upload import Upload
from kvviz.pages.kit.versions import version_knob
from kvviz.settings.scenario import Scenario

CONTEXTS = tuple(2**power for power in range(10, 21))
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SHARES = (0.8, 0.85, 0.9, 0.92, 0.95, 1.0)
DTYPES = ("native", "bf16", "fp8", "int8", "int4", "mxfp4")
BAR = ["bar"]


def toolbar(session: ExploreSession) -> Row:
    """Return the line of controls over the map."""
    scenario = session.scenario
    metrics = {name: metric.label for name, metric in METRICS.items()}
    batch = _pick(scenario, "batch", BATCHES, label="Batch size")
    gpus = _pick(scenario, "tp", range(1, 9), label="GPUs")

    def follow(*_events: object) -> None:
        batch.visible, gpus.visible = session.how.of_batch, session.how.of_split

    session.param.watch(follow, "metric")
    follow()
    parts = [
        bound(session, "metric", "segment", metrics, css_classes=BAR),
        _pick(scenario, "context", CONTEXTS),
        batch,
        bound(scenario, "weights_dtype", "pick", DTYPES, css_classes=BAR),
        bound(scenario, "kv_dtype", "pick", scenario.param.kv_dtype.objects, css_classes=BAR),
        gpus,
    ]
    return Row(*parts, css_classes=["toolbar"], stylesheets=[EXPLORE_CSS])


def _pick(scenario: Scenario, name: str, steps: Iterable[Any], **look: Any) -> Knob:
    """Return a list of steps, with whatever value the setting has."""
    there = stepped(steps, current(scenario, name))
    return bound(scenario, name, "pick", there, css_classes=BAR, **look)


def filters(session: ExploreSession) -> Row:
    """Return the line that says which pairs are shown, in which order; and takes models in."""
    upload = Upload(css_classes=["bar", "upload"])
    upload.on_msg(lambda event: session.upload(event.data))
    parts = [
        _named(session, "shown", "segment"),
        bound(session, "find_model", "search", css_classes=BAR),
        bound(session, "find_gpu", "search", css_classes=BAR),
        _named(session, "sort", "pick"),
        _named(session, "sort_gpus", "pick"),
        *_capacity(session.scenario),
        upload,
        downloads(session),
    ]
    return Row(*parts, css_classes=["filters"], stylesheets=[EXPLORE_CSS])


def _named(session: ExploreSession, name: str, kind: str) -> Knob:
    """Return an input of a choice that the session calls by names of its own."""
    texts = {value: text for text, value in session.param[name].names.items()}
    return bound(session, name, kind, texts, css_classes=BAR)


def _capacity(scenario: Scenario) -> list[Knob]:
    """Return the switch between what a driver reports and what an engine leaves, with its share."""
    mode = bound(scenario, "mode", "pick", list(engines()), css_classes=BAR)
    version = version_knob(scenario, "pick", label="Version", css_classes=BAR)
    share = _pick(scenario, "utilization", SHARES)

    def follow(*_events: object) -> None:
        value, assumes = in_force(scenario, "utilization"), find_engine(scenario.mode).assumes
        share.param.update(visible=assumes, options=spelled(stepped(SHARES, value)), value=value)

    scenario.param.watch(follow, ["mode", "engine_version", "gpu", "utilization"])
    follow()
    return [mode, version, share]
