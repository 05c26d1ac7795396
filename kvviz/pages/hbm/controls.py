"""The right column: inputs made from the scenario's own declarations."""

from typing import Any

import param

from kvviz.catalog.dtypes import CACHE_DTYPES, DTYPES
from kvviz.catalog.gpus.shipped import gpu_names
from kvviz.catalog.models.shipped import model_names
from kvviz.engines.base import Assumption
from kvviz.engines.planning import plan
from kvviz.engines.registry import engines, find_engine
from kvviz.pages.hbm.copies import copies_note
from kvviz.pages.hbm.session import Session
from kvviz.pages.hbm.toggles import TOGGLES, Toggle
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.html import chip, live
from kvviz.pages.kit.inputs import Options, change, current, field, put, spelled, stepped
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.upload import MOST_SENT
from kvviz.pages.kit.versions import version_texts
from kvviz.settings.knobs import NEWEST, KnobError
from kvviz.settings.scenario import Scenario
from kvviz.shards.split import valid_tensor_parallel

SAVES, WOULD_SAVE = "saves now", "would save"  # what a switch's figure is, on and off
BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024)
LENGTHS = tuple(2**power for power in range(9, 21))
BLOCKS = (1, 8, 16, 32, 64, 128, 256)
CHUNKS = (256, 512, 1024, 2048, 4096, 8192, 16_384)
SHARES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.95, 1.0)
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
SEGMENTS = {"weights_dtype": ("native", "fp8", "int4"), "kv_dtype": ("auto", "fp8")}
ENGINE = ("activation_gib", "non_torch_gib", "cuda_graphs_gib")  # in the assumptions' order
RATES = ("mfu", "mbu")  # known of the GPU until they are set

Field = dict[str, Any]


class Controls(Component):
    """Cards of native inputs; a change comes as a message, ``{"name": ..., "value": ...}``.

    A dropped file comes as its bytes.
    """

    cards = param.List(doc="title and fields of each card")
    lists = param.Dict({}, doc="[value, text] pairs of long selects, by the setting's name")
    problem = param.String(doc="what is wrong with the settings, in one sentence")
    limit = param.Integer(MOST_SENT, doc="bytes of a file sent at most")

    _esm = linked("hbm/js/controls.js")


def controls(session: Session) -> Controls:
    """Return the column of controls, bound to the session's scenario."""
    column = Controls()
    column.on_msg(lambda event: _take(session, event.data))

    def follow(*_events: object) -> None:
        scenario = session.scenario
        column.tell(cards=_cards(scenario), lists=_lists(scenario), problem=session.problem)

    session.param.watch(follow, ["problem", "settled"])
    follow()
    return column


def _take(session: Session, message: Any) -> None:
    """Apply a message's change; nothing in it is trusted."""
    if isinstance(message, bytes):
        session.upload(message)
        return
    name, value = message["name"], message["value"]
    try:
        changes = _changes(session.scenario, name, value)
    except KnobError as error:
        session.problem = f"{name}: {error}."
        return
    put(session.scenario, changes)


def _changes(scenario: Scenario, name: str, value: Any) -> dict[str, Any]:
    """Return the settings that an input changes.

    A toggle switches between two values. The playhead starts at the context, so the context
    follows a shorter run.
    """
    if name in TOGGLES:
        return dict(TOGGLES[name].on if value else TOGGLES[name].off)
    if name in ENGINE and value is None:
        return {name: None}
    changed = change(scenario, name, value)
    if name == "run_length":
        return {**changed, "context": min(scenario.context, changed[name])}
    return changed


def _cards(scenario: Scenario) -> list[dict[str, Any]]:
    return [
        {"name": "set-up", "title": "Model and GPU", "fields": _model_and_gpu(scenario)},
        {"name": "workload", "title": "Workload", "fields": _workload(scenario)},
        {
            "name": "toggles",
            "title": "Optimisations",
            "aside": _saving(scenario),
            "fields": [_switch(scenario, name, toggle) for name, toggle in TOGGLES.items()],
        },
        {"name": "types", "title": "", "fields": _types_and_more(scenario)},
        {"name": "playing", "title": "", "fields": [{"kind": "transport", "name": "transport"}]},
    ]


def _lists(scenario: Scenario) -> dict[str, list[list[Any]]]:
    """Return what the long selects offer: it hardly ever changes, and is sent only then."""
    names = {"model": [*scenario.own_models, *model_names()], "gpu": gpu_names()}
    return {name: spelled(options) for name, options in names.items()}


def _field(scenario: Scenario, name: str, kind: str, options: Options = ()) -> Field:
    """Return an input for the scenario's `name`: slider, segment, select or number."""
    return field(scenario, name, kind, options, _hint(scenario, name))


def _hint(scenario: Scenario, name: str) -> str:
    """Say how the rates are known; the other settings' declarations say it for them."""
    known = scenario.efficiency
    return f"{known.kind}: {known.source}; {scenario.param[name].doc}" if name in RATES else ""


def _slider(scenario: Scenario, name: str, steps: tuple[float, ...]) -> Field:
    """A slider over `steps` and whatever value the setting has."""
    return _field(scenario, name, "slider", stepped(steps, current(scenario, name)))


def _model_and_gpu(scenario: Scenario) -> list[Field]:
    sizes = valid_tensor_parallel(scenario.the_model)
    many = {size: f"× {size}" for size in stepped(sizes, scenario.tp)}
    gpus = _field(scenario, "tp", "select", many)
    return [
        _field(scenario, "model", "select"),
        {"kind": "row", "fields": [_field(scenario, "gpu", "select"), gpus]},
        {"kind": "upload", "name": "upload"},
        {"kind": "problem", "name": "problem"},
    ]


def _workload(scenario: Scenario) -> list[Field]:
    return [
        _slider(scenario, "batch", BATCHES),
        {"kind": "playhead", "name": "playhead"},
        _slider(scenario, "run_length", LENGTHS),
        _slider(scenario, "max_model_len", LENGTHS),
    ]


def _saving(scenario: Scenario) -> str:
    """Say what the switches' figures mean, and for which GPU where there are several."""
    on = [toggle.is_on(scenario) for toggle in TOGGLES.values()]
    says = SAVES if all(on) else "saved when on" if any(on) else WOULD_SAVE
    return f"{says}, on GPU 1" if scenario.tp * scenario.pp > 1 else says


def _switch(scenario: Scenario, name: str, toggle: Toggle) -> Field:
    on = toggle.is_on(scenario)
    return {
        "kind": "switch",
        "name": name,
        "label": toggle.label,
        "value": on,
        "note": _effect(name, toggle, on),
    }


def _effect(name: str, toggle: Toggle, on: bool) -> str:
    colour = chip(toggle.chip if on or name != "flash" else "red")
    says = SAVES if on else WOULD_SAVE
    return (
        f'<small>{toggle.effect}</small><span title="computed: flipping only this switch, {says}">'
        f"{colour}{live(f'delta_{name}', 'change')}</span>"
    )


def _types_and_more(scenario: Scenario) -> list[Field]:
    """Data types, and the seldom changed settings folded away: policies, sizes and assumptions."""
    chunk = [_slider(scenario, "chunk", CHUNKS)] if scenario.prefill == "chunk" else []
    stages = sorted({1, 2, 4, 8, 16, scenario.pp} & {*range(1, len(scenario.the_model.layers) + 1)})
    folded = [
        _field(scenario, "mode", "segment", list(engines())),
        *_engine(scenario),
        _field(scenario, "reservation", "segment", ("exact", "pow2", "max")),
        _field(scenario, "prefill", "segment", ("whole", "chunk")),
        *chunk,
        _slider(scenario, "score_multiple", (1, 2, 3, 4, 5)),
        *_measured_copies(scenario),
        _slider(scenario, "block_size", BLOCKS),
        _slider(scenario, "ragged", QUARTERS),
        _field(scenario, "pp", "segment", stages),
        _slider(scenario, "utilization", SHARES),
        _slider(scenario, "mfu", SHARES),
        _slider(scenario, "mbu", SHARES),
    ]
    return [
        _types(scenario, "weights_dtype", ("native", *DTYPES)),
        _types(scenario, "kv_dtype", ("auto", *CACHE_DTYPES)),
        {"kind": "fold", "name": "more", "label": "More settings", "fields": folded},
    ]


def _measured_copies(scenario: Scenario) -> list[Field]:
    """Measured peaks, beside the selector of how many score matrices to count."""
    note = copies_note(scenario)
    return [{"kind": "note", "name": "copies", "html": note}] if note else []


def _types(scenario: Scenario, name: str, types: tuple[str, ...]) -> Field:
    """The usual types as segments, and all the others in a list beside them."""
    usual = SEGMENTS[name]
    others = spelled(kind for kind in types if kind not in usual)
    return _field(scenario, name, "segment", usual) | {"others": others}


def _engine(scenario: Scenario) -> list[Field]:
    """The engine's overhead, if it has one: the assumed values until they are set."""
    taken, known = plan(scenario.deployment).assumptions, find_engine(scenario.mode).versions
    if not known:
        return []
    return [
        _version(scenario),
        *(
            _slider(scenario, name, steps)
            for name, steps in (("max_num_batched_tokens", CHUNKS), ("max_num_seqs", BATCHES))
        ),
        *_assumed(scenario, taken),
    ]


def _version(scenario: Scenario) -> Field:
    """The engine's version; the newest is what it is until it is set."""
    asked = {"value": scenario.engine_version or NEWEST}
    return _field(scenario, "engine_version", "select", version_texts(scenario)) | asked


def _assumed(scenario: Scenario, taken: tuple[Assumption, ...]) -> list[Field]:
    return [
        _field(scenario, name, "number")
        | {"assumed": f"{item.gib:.2f}", "source": item.source, "unit": "GiB"}
        for name, item in zip(ENGINE if len(taken) >= len(ENGINE) else (), taken, strict=False)
    ]
