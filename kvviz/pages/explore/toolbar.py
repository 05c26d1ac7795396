"""The page's controls: what is shown, of which workload, and which pairs."""

from collections.abc import Iterable
from typing import Any

import panel as pn

from kvviz.engines.planning import in_force
from kvviz.engines.registry import engines, find_engine
from kvviz.pages.explore.heatmap import EXPLORE_CSS
from kvviz.pages.explore.metrics import METRICS
from kvviz.pages.explore.session import ExploreSession
from kvviz.pages.explore.table import downloads
from kvviz.pages.kit.components import Knob, LiveCard, Upload
from kvviz.pages.kit.html import problem_text
from kvviz.pages.kit.inputs import bound
from kvviz.settings.scenario import Scenario

CONTEXTS = tuple(2**power for power in range(10, 21))
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SHARES = (0.8, 0.85, 0.9, 0.92, 0.95, 1.0)


def toolbar(session: ExploreSession) -> pn.Row:
    """Return the line of controls over the map."""
    scenario = session.scenario
    metric = own(session, "metric", "segment", {m.label: name for name, m in METRICS.items()})
    picks = {
        "context": bound(scenario, "context", "pick", _steps(scenario, "context", CONTEXTS)),
        "batch": bound(scenario, "batch", "pick", _steps(scenario, "batch", BATCHES)),
        "weights": bound(
            scenario, "weights_dtype", "pick", ("native", "bf16", "fp8", "int8", "int4", "mxfp4")
        ),
        "kv": bound(scenario, "kv_dtype", "pick", scenario.param.kv_dtype.objects),
        "gpus": bound(scenario, "tp", "pick", _steps(scenario, "tp", range(1, 9))),
    }
    picks["batch"].label, picks["gpus"].label = "Sequences", "GPUs"

    def follow(*_events: object) -> None:
        picks["batch"].visible = session.how.of_batch
        picks["gpus"].visible = session.how.of_split

    session.param.watch(follow, "metric")
    follow()
    for pick in picks.values():
        pick.css_classes = ["bar"]
    return pn.Row(metric, *picks.values(), css_classes=["toolbar"], stylesheets=[EXPLORE_CSS])


def filters(session: ExploreSession) -> pn.Row:
    """Return the line that says which pairs are shown, in which order; and takes models in."""
    upload = Upload(css_classes=["bar", "upload"])
    upload.on_msg(lambda event: session.upload(event.data))
    parts = [
        own(session, "shown", "segment", session.param.shown.names),
        own(session, "find_model", "search"),
        own(session, "find_gpu", "search"),
        own(session, "sort", "pick", session.param.sort.names),
        own(session, "sort_gpus", "pick", session.param.sort_gpus.names),
        *_capacity(session.scenario),
        upload,
        downloads(session),
    ]
    return pn.Row(*parts, css_classes=["filters"], stylesheets=[EXPLORE_CSS])


def _capacity(scenario: Scenario) -> list[Knob]:
    """Return the switch between what a driver reports and what an engine leaves, with its share."""
    mode = bound(scenario, "mode", "segment", engines())
    steps = _steps(scenario, "utilization", SHARES)
    share = bound(scenario, "utilization", "pick", steps)

    def follow(*_events: object) -> None:
        value = in_force(scenario, "utilization")
        options = [[step, f"{step:,}"] for step in sorted({*SHARES, value})]
        share.param.update(visible=find_engine(scenario.mode).assumes, options=options, value=value)

    scenario.param.watch(follow, ["mode", "gpu", "utilization"])
    follow()
    mode.css_classes, share.css_classes = ["bar", "capacity"], ["bar"]
    return [mode, share]


def problem(session: ExploreSession) -> LiveCard:
    """Return the line that says what is wrong, if anything is."""
    card = LiveCard(css_class="problem")

    def follow(*_events: object) -> None:
        says = session.problem
        card.param.update(html=problem_text(says), visible=bool(says))

    session.param.watch(follow, "problem")
    follow()
    return card


def own(
    session: ExploreSession, name: str, kind: str, options: dict[str, str] | None = None
) -> Knob:
    """Return an input that follows and sets the session's `name`; options as text: value."""
    pairs = [[value, text] for text, value in (options or {}).items()]
    declared = session.param[name]
    knob = Knob(
        kind=kind,
        label=declared.label,
        value=getattr(session, name),
        options=pairs,
        css_classes=["bar"],
    )
    knob.param.watch(lambda event: session.param.update(**{name: event.new}), "value")
    session.param.watch(lambda event: knob.param.update(value=event.new), name)
    return knob


def _steps(scenario: Scenario, name: str, steps: Iterable[Any]) -> list[Any]:
    """Return the values to choose from, and whatever value the setting has."""
    return sorted({*steps, in_force(scenario, name)})
