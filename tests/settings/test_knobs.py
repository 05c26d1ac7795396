"""Knobs as text: a URL's settings survive the trip, and nothing invalid gets through."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.settings.knobs import KnobError, from_query, read, schema, to_query
from kvviz.settings.scenario import Scenario, knobs

TEXTS = st.one_of(
    st.text(max_size=80), st.sampled_from(["nan", "-1", "1e999", "true", "16", "0.5"])
)


@given(
    batch=st.integers(1, 4096),
    paged=st.booleans(),
    ragged=st.floats(0, 1),
    reservation=st.sampled_from(["exact", "pow2", "max"]),
)
def test_a_query_brings_back_what_it_was_made_from(batch, paged, ragged, reservation):
    made = Scenario(batch=batch, paged=paged, ragged=ragged, reservation=reservation)
    settings, problems = from_query(to_query(made, {}).items())
    assert not problems
    assert Scenario(**settings).settings() == made.settings()


def test_only_what_differs_from_the_usual_is_in_a_query():
    assert to_query(Scenario(), {}) == {}
    assert to_query(Scenario(ragged=0.5), {"ragged": 0.5}) == {}
    assert to_query(Scenario(), {"ragged": 0.5}) == {"ragged": "0.0"}


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


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"batch": "0"}, "batch in the link: got '0', expected a whole number from 1 to 4,096."),
        (
            {"utilization": "0"},
            "utilization in the link: got '0', expected a number above 0 and at most 1.",
        ),
        ({"flash": "maybe"}, "flash in the link: got 'maybe', expected on or off."),
        ({"own_models": "x"}, "'own_models' in the link is no setting."),
        (
            {"engine_version": "x"},
            "engine_version in the link: got 'x', expected a version such as 0.33.0, or newest.",
        ),
    ],
)
def test_a_bad_setting_is_named(query, said):
    settings, problems = from_query(query.items())
    assert settings == {}
    assert problems == [said]


def test_the_schema_tells_every_knob_and_is_json():
    told = json.loads(json.dumps(schema()))["properties"]
    assert set(told) == set(knobs())
    assert told["batch"] == {
        "title": "Batch",
        "description": "sequences at once",
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


def test_an_old_name_in_a_link_still_works_and_says_the_new_one():
    settings, problems = from_query([("max_length", "100")])
    assert settings == {"max_model_len": 100}
    assert problems == ["max_length is now called max_model_len. The link still works."]


def test_the_newest_version_is_none():
    assert read("engine_version", "newest") is None
    assert read("engine_version", "0.30.0") == "0.30.0"
