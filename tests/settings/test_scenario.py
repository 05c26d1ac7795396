"""The knobs: bounds, defaults, contradictions, and settings that come back as they went."""

import pytest

from kvviz.catalog.models.model import Layer, Model
from kvviz.catalog.names import UnknownName
from kvviz.memory import estimate
from kvviz.settings.knobs import read
from kvviz.settings.scenario import Scenario, ScenarioError, knobs

MODEL = Model("m", "toy", "bf16", "fp32", 8, 9, 64, (Layer("full", 2, 2, 4, 16),), (), False)


def test_defaults_are_one_llama_on_an_h100_with_everything_on():
    found = Scenario().settings()
    assert found["model"] == "meta-llama/Llama-3.1-8B"
    assert found["gpu"] == "H100 SXM5 80GB"
    expected = {"batching": "continuous", "paged": True, "flash": True, "reservation": "exact"}
    expected |= {
        "batch": 32,
        "context": 4096,
        "max_model_len": 32_768,
        "ragged": 0,
        "mode": "textbook",
    }
    expected |= {"weights_dtype": "native", "kv_dtype": "auto", "prefill": "whole"}
    expected |= {"score_multiple": 1, "utilization": None, "tp": 1, "pp": 1, "block_size": 16}
    assert {name: found[name] for name in expected} == expected


def test_every_knob_says_what_it_is():
    for name in knobs():
        knob = Scenario.param[name]
        assert knob.label, name
        assert knob.doc, name


def test_settings_round_trip():
    changed = {"batch": 3, "context": 7, "run_length": 9, "ragged": 0.25, "paged": False}
    scenario = Scenario(**changed)
    assert set(scenario.settings()) == set(knobs())
    again = Scenario(**scenario.settings())
    assert again.settings() == scenario.settings()
    assert {name: again.settings()[name] for name in changed} == changed
    assert "own_models" not in knobs()
    assert "name" not in knobs()


def test_a_copy_changes_only_what_is_asked_and_keeps_the_users_models():
    scenario = Scenario(own_models={"m": MODEL}, model="m", batch=5)
    copy = scenario.replaced(context=10)
    assert (copy.context, copy.batch, copy.the_model) == (10, 5, MODEL)
    assert scenario.context == 4096


def test_a_users_model_precedes_the_catalogs():
    name = "meta-llama/Llama-3.1-8B"
    assert Scenario(own_models={name: MODEL}).the_model is MODEL
    assert Scenario().the_model.name == name


@pytest.mark.parametrize(
    ("settings", "final"),
    [
        ({"context": 100}, 200),
        ({"context": 20_000}, 32_768),  # twice the context, at most the slot
        ({"context": 100, "run_length": 150}, 150),
        ({"context": 100, "run_length": 100, "max_model_len": 100}, 100),
    ],
)
def test_the_run_length_defaults_to_twice_the_context(settings, final):
    scenario = Scenario(**settings)
    scenario.check()
    assert scenario.final_length == final


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"context": 200, "run_length": 100}, ["context 200", "run_length 100"]),
        ({"context": 40_000}, ["context 40,000", "max_model_len 32,768"]),
        ({"run_length": 40_000}, ["run_length 40,000", "max_model_len 32,768"]),
        ({"tp": 3}, ["tp 3", "32 heads", "8 KV heads", "1, 2, 4, 8, 16, 32"]),
        ({"model": "microsoft/phi-4", "tp": 4}, ["tp 4", "40 heads", "10 KV heads"]),
        ({"tp": 64}, ["tp 64"]),
        ({"pp": 33}, ["pp 33", "32 layers"]),
    ],
)
def test_contradictions_are_one_sentence_that_names_both_sides(settings, words):
    with pytest.raises(ScenarioError) as caught:
        estimate(Scenario(**settings))
    message = str(caught.value)
    assert all(word in message for word in words)
    assert "expected" in message
    assert "\n" not in message
    assert len(message) < 200


@pytest.mark.parametrize(
    "settings",
    [
        {"batch": 0},
        {"context": 0},
        {"ragged": 1.01},
        {"ragged": -0.1},
        {"utilization": 0},
        {"utilization": 1.1},
        {"block_size": 0},
        {"tp": 0},
        {"engine_version": "latest"},
        {"kv_dtype": "int4"},
        {"weights_dtype": "fp7"},
        {"batching": "dynamic"},
        {"reservation": "min"},
        {"activation_gib": -1},
        {"score_multiple": 0},
    ],
)
def test_values_out_of_bounds_are_refused_by_their_name(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        Scenario(**settings)


@pytest.mark.parametrize("knob", ["model", "gpu", "mode"])
def test_unknown_names_are_errors_not_guesses(knob):
    with pytest.raises(UnknownName, match="no-such-thing"):
        estimate(Scenario(**{knob: "no-such-thing"}))


def test_going_past_the_models_own_maximum_only_warns():
    limit = 131_072
    assert estimate(Scenario(run_length=limit, max_model_len=limit)).warnings == ()
    (warning,) = estimate(Scenario(run_length=limit + 1, max_model_len=limit + 1)).warnings
    assert "131,073" in warning
    assert "131,072" in warning


def test_a_sequence_of_no_tokens_takes_the_smallest_power_of_two():
    settings = {"batch": 2, "context": 5, "paged": False, "ragged": 1.0}  # final lengths 10 and 0
    for reservation, tokens in (("exact", 10), ("pow2", 16 + 1), ("max", 2 * 32_768)):
        kv = estimate(Scenario(**settings, reservation=reservation)).kv
        assert kv["allocated_bytes"] == tokens * 131_072
        assert kv["reserved_bytes"] == 5 * 131_072


@pytest.mark.parametrize("spelling", ["0.33", "v0.33.0", "0.33.0rc1.dev5"])
def test_a_version_has_one_spelling(spelling):
    assert Scenario(mode="vllm", engine_version=spelling).engine_version == "0.33.0"
    assert read("engine_version", spelling) == "0.33.0"
    assert Scenario(engine_version=None).engine_version is None
    with pytest.raises(ValueError, match="'newish', not a version"):
        Scenario(engine_version="newish")
