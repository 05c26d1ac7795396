"""Knobs as text: nothing invalid gets through, and a schema tells them all."""

import json

from hypothesis import given
from hypothesis import strategies as st

from kvviz.settings.knobs import KnobError, read, schema
from kvviz.settings.scenario import Scenario, knobs

TEXTS = st.one_of(
    st.text(max_size=80), st.sampled_from(["nan", "-1", "1e999", "true", "16", "0.5"])
)


@given(name=st.sampled_from(knobs()), text=TEXTS)
def test_a_value_is_taken_or_refused_with_what_was_expected(name, text):
    refusal = value = None
    try:
        value = read(name, text)
    except KnobError as error:
        refusal = str(error)
    if refusal is None:
        assert getattr(Scenario(**{name: value}), name) == value
    else:
        assert "expected" in refusal


def test_the_schema_tells_every_knob_and_is_json():
    told = json.loads(json.dumps(schema()))["properties"]
    assert set(told) == set(knobs())
    assert told["batch"] == {
        "title": "Batch size",
        "description": "sequences in the batch",
        "default": 32,
        "minimum": 1,
        "maximum": 4096,
        "type": "integer",
    }
    assert told["run_length"]["type"] == ["integer", "null"]
    assert told["flash"]["type"] == "boolean"
    assert told["utilization"]["exclusiveMinimum"] == 0
    assert told["mode"]["type"] == "string"
    assert told["engine_version"]["type"] == ["string", "null"]
    assert told["prefix_caching"]["type"] == ["boolean", "null"]


def test_the_newest_version_is_none():
    assert read("engine_version", "newest") is None
    assert read("engine_version", "0.30.0") == "0.30.0"
