"""The right column: inputs made from the scenario's own declarations."""

from collections.abc import Iterable
from html import escape
from typing import Any

import panel as pn

from kvviz.catalog.gpus import gpu_names
from kvviz.catalog.models import model_names
from kvviz.scenario import Scenario
from kvviz.views.cards import short
from kvviz.views.components import CSS, Knob, LiveCard, Playhead, Transport, Upload
from kvviz.views.html import chip, live
from kvviz.views.session import Session

BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024)
LENGTHS = tuple(2**power for power in range(9, 21))
EFFECTS = {
    "flash": ("tiles stay on the chip", "ghost"),
    "paged": ("pages on demand", "reserved"),
    "continuous": ("no padding", "reserved"),
}


def controls(session: Session) -> pn.Column:
    """Return the column of controls, bound to the session's scenario."""
    return pn.Column(
        _model_and_gpu(session),
        _workload(session.scenario),
        _optimisations(session.scenario),
        _dtypes_and_more(session.scenario),
        Transport(),
        css_classes=["column"],
        stylesheets=[CSS],
    )


def _card(title: str, *children: Any) -> pn.Column:
    heading = pn.pane.HTML(f"<h2>{title}</h2>", stylesheets=[CSS], margin=0)
    return pn.Column(heading, *children, css_classes=["card"], stylesheets=[CSS])


def bound(scenario: Scenario, name: str, kind: str, options: Iterable[Any] = ()) -> Knob:
    """Return an input that follows and sets the scenario's `name`.

    Args:
        scenario: whose setting it is.
        name: the setting.
        kind: slider, switch, segment or select.
        options: the values to choose from.
    """
    declared = scenario.param[name]
    value = getattr(scenario, name)
    knob = Knob(kind=kind, label=declared.label, value=value, options=_spelled(options))
    knob.param.watch(
        lambda event: scenario.param.update(**_changes(scenario, name, event.new)), "value"
    )
    scenario.param.watch(lambda event: knob.param.update(value=event.new), name)
    return knob


def _changes(scenario: Scenario, name: str, value: Any) -> dict[str, Any]:
    """On the page the context is where the playhead starts, so it follows a shorter run."""
    if name == "run_length":
        return {name: value, "context": min(scenario.context, value)}
    return {name: value}


def _spelled(options: Iterable[Any]) -> list[list[Any]]:
    return [[v, short(v) if isinstance(v, str) else f"{v:,}"] for v in options]


def _model_and_gpu(session: Session) -> pn.Column:
    scenario = session.scenario
    model = bound(scenario, "model", "select", model_names())
    scenario.param.watch(
        lambda event: model.param.update(options=_spelled([*event.new, *model_names()])),
        "own_models",
    )
    problem = LiveCard(css_class="problem", html=problem_text(session.problem))
    session.param.watch(lambda event: problem.param.update(html=problem_text(event.new)), "problem")
    gpu = bound(scenario, "gpu", "select", gpu_names())
    upload = Upload()
    upload.on_msg(lambda event: session.upload(event.data))
    return _card("Model and GPU", model, gpu, upload, problem)


def problem_text(text: str) -> str:
    """Return the line that says what is wrong with the settings, empty if nothing is."""
    return f'<p role="alert">{escape(text)}</p>' if text else ""


def _workload(scenario: Scenario) -> pn.Column:
    return _card(
        "Workload",
        _steps(scenario, "batch", BATCHES),
        Playhead(),
        _steps(scenario, "run_length", LENGTHS),
        _steps(scenario, "max_length", LENGTHS),
    )


def _steps(scenario: Scenario, name: str, steps: tuple[float, ...]) -> Knob:
    """A slider over `steps` and whatever value the setting has."""
    knob = bound(scenario, name, "slider", sorted({*steps, getattr(scenario, name)}))
    scenario.param.watch(
        lambda event: knob.param.update(options=_spelled(sorted({*steps, event.new}))), name
    )
    return knob


def _optimisations(scenario: Scenario) -> pn.Column:
    switches = {
        "flash": bound(scenario, "flash", "switch"),
        "paged": bound(scenario, "paged", "switch"),
        "continuous": _batching_switch(scenario),
    }
    for key, switch in switches.items():
        switch.note = _effect(key, switch.value)
        switch.param.watch(_keep_note(key, switch), "value")
    return _card("Optimisations", *switches.values())


def _keep_note(key: str, switch: Knob) -> Any:
    return lambda event: switch.param.update(note=_effect(key, event.new))


def _batching_switch(scenario: Scenario) -> Knob:
    """Two ways of batching as one switch: continuous, or not."""
    switch = Knob(
        kind="switch", label="Continuous batching", value=scenario.batching == "continuous"
    )
    switch.param.watch(
        lambda event: scenario.param.update(batching="continuous" if event.new else "static"),
        "value",
    )
    scenario.param.watch(
        lambda event: switch.param.update(value=event.new == "continuous"), "batching"
    )
    return switch


def _effect(key: str, on: bool) -> str:
    effect, role = EFFECTS[key]
    colour = chip(role if on or key != "flash" else "red")
    says = "saves now" if on else "would save"
    return (
        f'<small>{effect}</small><span title="computed: flipping only this switch, {says}">'
        f"{colour}{live(f'delta_{key}', 'change')} GiB</span>"
    )


def _dtypes_and_more(scenario: Scenario) -> pn.Column:
    """Data types, and folded away what is seldom changed: policies, sizes and assumptions."""
    shares = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.95, 1.0)
    folded = pn.Column(
        bound(scenario, "mode", "segment", ("textbook", "vllm")),
        bound(scenario, "reservation", "segment", ("exact", "pow2", "max")),
        bound(scenario, "prefill", "segment", ("whole", "chunk")),
        _steps(scenario, "score_multiple", (1, 2, 3, 4, 5)),
        _steps(scenario, "block_size", (1, 8, 16, 32, 64, 128, 256)),
        _steps(scenario, "ragged", (0.0, 0.25, 0.5, 0.75, 1.0)),
        _steps(scenario, "utilization", shares),
        _steps(scenario, "mfu", shares),
        _steps(scenario, "mbu", shares),
        visible=False,
        stylesheets=[CSS],
    )
    fold = Knob(kind="fold", label="More settings", value=False)
    fold.param.watch(lambda event: folded.param.update(visible=event.new), "value")
    weights = bound(scenario, "weights_dtype", "segment", ("native", "fp8", "int4"))
    kv = bound(scenario, "kv_dtype", "segment", ("auto", "fp8"))
    return pn.Column(weights, kv, fold, folded, css_classes=["card"], stylesheets=[CSS])
