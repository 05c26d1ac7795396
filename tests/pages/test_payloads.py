"""What Python sends to each component is what its JavaScript was written for, key by key."""

from typing import Any

import numpy as np
import panel as pn
import pytest

from kvviz.pages import opened, pages
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.linker import PAGES
from tests.pages.payload_types import Types

KIT = (PAGES / "kit/js/browser.d.ts", PAGES / "kit/js/payloads.d.ts")
OPENED = [
    ("hbm", {}),
    ("hbm", {"model": "meta-llama/Llama-3.1-70B", "batch": "64"}),
    ("hbm", {"gpu": "MI300X", "mode": "vllm", "prefill": "chunk", "tp": "2"}),
    ("hbm", {"gpu": "RTX 4090", "flash": "false", "mfu": "0.5"}),
    ("paging", {}),
    ("paging", {"shown": "true", "sequences": "3"}),
    ("kernels", {}),
    ("serving", {}),
    ("explore", {"tp": "4"}),
    ("accuracy", {"engine": "vLLM"}),
]


def types_of(page: str) -> Types:
    own = PAGES / page / "js/payloads.d.ts"
    return Types.read(*KIT, *({own} - {*KIT}))


def subclasses(kind: type) -> list[type]:
    return [each for sub in kind.__subclasses__() for each in (sub, *subclasses(sub))]


pages()  # all of them are imported
COMPONENTS = sorted(subclasses(Component), key=lambda kind: (kind.__module__, kind.__name__))


def declared(kind: type) -> tuple[Types, str]:
    """Return the types of a component's page, and the name of its own or of its base's."""
    for each in kind.__mro__[: kind.__mro__.index(Component)]:
        page = each.__module__.split(".")[2]
        if each.__name__ in Types.read(PAGES / page / "js/payloads.d.ts").declared:
            return types_of(page), each.__name__
    pytest.fail(f"{kind.__name__} has no type")


def sent(component: Any) -> set[str]:
    """Return the names of what a component, or a kind of them, sends."""
    return {name for name in component.param if name not in Component.param}


@pytest.mark.parametrize("kind", COMPONENTS, ids=lambda kind: kind.__name__)
def test_every_component_has_a_type_with_its_parameters(kind):
    types, name = declared(kind)
    assert types.fields(name).keys() == sent(kind)


@pytest.mark.parametrize("room", sorted(path.parent.name for path in PAGES.glob("*/js")))
def test_no_type_is_left_over(room):
    own = Types.read(PAGES / room / "js/payloads.d.ts")
    kinds = {kind.__name__ for kind in COMPONENTS} & own.declared.keys()
    shared = {"Value", "Option", "Field"} if room == "kit" else set()  # that pages' own types name
    used = set().union(*(own.named_in(name) for name in kinds | shared))
    assert own.declared.keys() - used == set()


@pytest.mark.parametrize(("name", "query"), OPENED)
def test_what_a_page_sends_is_what_its_modules_take(name, query, monkeypatch):
    arguments = {name: [value.encode()] for name, value in query.items()}
    monkeypatch.setattr(type(pn.state), "session_args", property(lambda _: arguments))
    template = opened(name)
    found = [each for part, _ in template._render_items.values() for each in part.select(Component)]
    assert len(found) > 2
    wrong = []
    for component in found:
        types, kind = declared(type(component))
        value = {key: getattr(component, key) for key in sent(component)}
        wrong += types.wrong(kind, value, type(component).__name__)
    assert wrong == []


@pytest.fixture
def types(tmp_path):
    path = tmp_path / "payloads.d.ts"
    path.write_text(
        """import type {Whole} from "./other.d.ts"
        /** A run. */
        export interface Run extends Base {
          when: Whole // contexts
          rows: Row[]
          side: Side
          more?: {a: number, b: "x" | "y"}
          pair: [string, number | null]
        }
        export interface Base {
          name: string
        }
        export interface Row {
          [name: string]: number
        }
        export type Side = One | Two
        export interface One {
          kind: "one"
        }
        export interface Two {
          kind: "two"
          flag: boolean
        }
        """
    )
    return Types.read(path)


RUN = {
    "name": "a",
    "when": np.array([1], dtype=np.uint8),
    "rows": [{"total": 1.5}, {}],
    "side": {"kind": "two", "flag": True},
    "pair": ["a", None],
}


def test_a_value_of_a_type_has_nothing_wrong(types):
    assert types.wrong("Run", RUN, "run") == []
    assert types.wrong("Run", RUN | {"more": {"a": 1, "b": "y"}, "pair": ("a", 2)}, "run") == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"new": 1}, "run.new is sent, but not declared."),
        ({"name": None}, "run.name is None; expected string."),
        ({"when": np.array([1.0])}, "run.when is array([1.]); expected Whole."),
        ({"rows": [{"total": "1"}]}, "run.rows[0].total is '1'; expected number."),
        ({"rows": [{"total": True}]}, "run.rows[0].total is True; expected number."),
        ({"rows": {}}, "run.rows is {}; expected Row[]."),
        ({"side": {"kind": "two"}}, "run.side.flag is declared, but not sent."),
        ({"side": {"kind": "two", "flag": 1}}, "run.side.flag is 1; expected boolean."),
        ({"more": {"a": 1, "b": "z"}}, """run.more.b is 'z'; expected "x"."""),
        ({"pair": ["a"]}, "run.pair is ['a']; expected [string, number | null]."),
    ],
)
def test_what_has_drifted_is_said(types, change, said):
    assert types.wrong("Run", RUN | change, "run") == [said]


def test_what_is_not_sent_is_said(types):
    assert types.wrong("Base", {}, "base") == ["base.name is declared, but not sent."]


def test_the_types_that_a_type_rests_on(types):
    assert types.named_in("Run") == {"Run", "Base", "Row", "Side", "One", "Two"}
    assert types.named_in("Side") == {"Side", "One", "Two"}
