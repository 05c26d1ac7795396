"""What an engine loads: vision towers and rotary tables exact from configs, as logs show them."""

import json

import pytest

from kvviz.catalog.models.config import ConfigError, model_from_config
from kvviz.catalog.models.shipped import find_model
from kvviz.shards.loaded import computed_in, loaded, stored_as
from kvviz.units import GiB

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 100,
    "max_position_embeddings": 512,
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize(
    ("name", "published"),  # safetensors totals; Kimi-VL's from its headers, 30.5616 GiB
    [
        ("google/gemma-3-4b-it", 4_300_079_472),
        ("google/gemma-3-12b-it", 12_187_325_040),
        ("google/gemma-3-27b-it", 27_432_406_640),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", 108_641_793_536),
        ("moonshotai/Kimi-VL-A3B-Instruct", round(30.561641 * GiB / 2)),
    ],
)
def test_towers_make_up_the_published_totals(name, published):
    model = find_model(name)
    assert model.parameters + model.tower_parameters == pytest.approx(published, abs=1000)


@pytest.mark.parametrize(
    ("name", "t", "gib"),  # "Model loading took ... GiB" of vLLM 0.19
    [
        ("meta-llama/Llama-3.1-8B", 1, 14.99),
        ("meta-llama/Llama-3.1-8B", 4, 3.77),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", 4, 53.12),  # 2.5 GiB of rotary tables
        ("google/gemma-3-4b-it", 1, 8.58),  # its stretched table is eight times as long
        ("google/gemma-3-12b-it", 1, 23.31),
        ("openai/gpt-oss-120b", 1, 64.38),  # experts padded to a multiple of 256
        ("openai/gpt-oss-20b", 1, 13.64),
    ],
)
def test_what_is_loaded_is_what_engines_log(name, t, gib):
    assert loaded(find_model(name), t).total / GiB == pytest.approx(gib, rel=0.015)


def test_a_float32_run_takes_twice_the_bytes():
    model = find_model("meta-llama/Llama-3.1-8B")
    assert loaded(computed_in(model, "fp32")).total == 2 * loaded(model).total
    assert loaded(computed_in(model, "fp32")).total / GiB == pytest.approx(29.98, abs=0.005)
    assert loaded(stored_as(model, "fp8")).total / GiB == pytest.approx(8.49, abs=0.005)


@pytest.mark.parametrize(
    ("changes", "values"),
    [
        ({}, 512 * 16),
        ({"partial_rotary_factor": 0.25}, 512 * 4),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, 512 * 16),
        ({"rope_scaling": {"type": "linear", "factor": 4}}, 4 * 512 * 16),
        ({"rope_scaling": {"type": "dynamic", "factor": 2}}, 2 * 512 * 16),
        (
            {
                "rope_scaling": {
                    "type": "yarn",
                    "factor": 4,
                    "original_max_position_embeddings": 512,
                }
            },
            4 * 512 * 16,
        ),
        ({"rope_parameters": {"rope_type": "default", "mrope_section": [4, 2, 2]}}, 4 * 512 * 16),
    ],
)
def test_rotary_tables(changes, values):
    assert model_from_config({**LLAMA, **changes}).rotary_values == values


def test_models_without_rotary_positions_have_no_tables():
    assert find_model("openai-community/gpt2").rotary_values == 0
    assert find_model("facebook/opt-13b").rotary_values == 0
    tables = 512 * 16 + 8 * 512 * 16  # gemma-3: windowed layers are not stretched
    gemma = {
        **LLAMA,
        "model_type": "gemma3_text",
        "num_key_value_heads": 2,
        "head_dim": 16,
        "sliding_window": 64,
        "num_hidden_layers": 6,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0},
    }
    assert model_from_config(gemma).rotary_values == tables


def test_wrong_rotary_and_vision_settings_name_their_key():
    for changes, key in (
        ({"rope_scaling": {"type": "linear", "factor": "big"}}, "factor"),
        ({"rope_scaling": 7}, "rope_scaling"),
        ({"vision_config": {"model_type": "siglip_vision_model"}}, "num_hidden_layers"),
    ):
        with pytest.raises(ConfigError, match=key):
            model_from_config({**LLAMA, **changes})


def test_a_tower_of_an_unknown_kind_is_said_so():
    unknown = {**LLAMA, "vision_config": {"model_type": "new_eye", "hidden_size": 8}}
    assert model_from_config(unknown).tower_parameters is None
    assert model_from_config(json.loads(json.dumps(LLAMA))).tower_parameters == 0
