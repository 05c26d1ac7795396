"""What an engine loads: vision towers and rotary tables exact from configs, as logs show them."""

import json

import pytest

from kvviz.catalog.engine import (
    activation_gib,
    default_batch,
    engine_version,
    non_torch_gib,
    read_version,
    release,
)
from kvviz.catalog.models.config import ConfigError, model_from_config
from kvviz.catalog.models.shipped import find_model
from kvviz.memory.loaded import computed_in, loaded, stored_as
from kvviz.memory.pages import group_size, logged_tokens, page_layout
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
H100 = (85_029_615_042, "H100 SXM5 80GB")


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


@pytest.mark.parametrize(
    ("name", "t", "version", "gib"),  # "torch peak memory increase", H100
    [
        ("meta-llama/Llama-3.1-8B", 1, (0, 19), 1.89),
        ("meta-llama/Llama-3.1-70B", 4, (0, 19), 1.97),
        ("Qwen/Qwen2.5-7B", 2, (0, 19), 2.21),
        ("microsoft/phi-4", 1, (0, 19), 1.52),
        ("google/gemma-2-2b-it", 1, (0, 19), 3.62),
        ("mistralai/Mixtral-8x7B-v0.1", 2, (0, 19), 1.21),  # the forward pass, not the logits
        ("deepseek-ai/DeepSeek-V2-Lite", 1, (0, 19), 1.93),
        ("meta-llama/Llama-3.1-8B", 1, (0, 15), 4.76),
        ("Qwen/Qwen3-14B", 1, (0, 15), 5.64),  # a log that no constant was fitted on
        ("Qwen/Qwen3-14B", 1, (0, 17), 2.23),
    ],
)
def test_activation_peaks_as_logged(name, t, version, gib):
    found = activation_gib(find_model(name), default_batch(*H100, version), t, version)
    assert found == pytest.approx(gib, abs=0.08)


def test_a_forward_pass_before_chunked_prefill_grows_with_the_prompt():
    model = find_model("meta-llama/Llama-3.1-8B")
    peaks = []
    for length, gib in ((20_000, 17.06 - 14.99), (29_000, 17.98 - 14.99)):  # RTX 3090, vLLM 0.6
        batch = default_batch(25_318_832_209, "GeForce RTX 3090", (0, 6), length)
        assert batch.tokens == length
        peaks.append(activation_gib(model, batch, 1, (0, 6)))
        assert peaks[-1] == pytest.approx(gib, rel=0.17)
    per_token = (peaks[1] - peaks[0]) * GiB / 9000
    assert per_token == pytest.approx((2.99 - 2.07) * GiB / 9000, rel=0.1)


def test_batch_settings_and_releases():
    assert default_batch(*H100) == default_batch(*H100, (0, 33))
    assert default_batch(*H100).sequences == 1024
    assert default_batch(84_986_665_369, "A100 SXM4 80GB").tokens == 2048
    assert default_batch(*H100, (0, 6), 131_072).tokens == 2048
    assert default_batch(206_145_003_520, "Instinct MI300X", (0, 6), 131_072).tokens == 131_072
    assert read_version("v0.16.1rc1.dev111") == (0, 16)
    assert read_version("nightly") is None
    assert engine_version((0, 8), "Turing") < (0, 8) <= engine_version((0, 8), "Ampere (GA100)")
    assert engine_version((0, 12), "Turing") == (0, 12)
    assert release((0, 12)).logit_bytes > release((0, 19)).logit_bytes
    assert non_torch_gib(1) < non_torch_gib(2)


def test_hybrid_pools_count_tokens_as_the_log_does():
    model = find_model("Qwen/Qwen3.5-35B-A3B")
    layout = page_layout(model, model.layers, 2, 1)
    assert (layout.slots, len(layout.groups), layout.block) == (10, 4, 1056)
    # RTX PRO 6000: 16.03 GiB for the cache, 209,088 tokens.
    assert logged_tokens(layout, layout.blocks(int(16.03 * GiB)), 4096, 8192) == 209_088
    # RTX 5090, vLLM 0.24, fp8: 6.01 GiB, 569,878 tokens = 4.35 x 131,072.
    small = page_layout(model, model.layers, 1, 1)
    assert logged_tokens(small, small.blocks(int(6.01 * GiB)), 131_072, 2048, (0, 24)) == 569_878


def test_windows_bound_what_a_sequence_holds_from_023_on():
    model = find_model("google/gemma-3-27b-it")
    layout = page_layout(model, model.layers, 2, 1)
    assert sorted(group.layers for group in layout.groups) == [2, *[10] * 6]
    whole = -(-131_072 // 16)
    held = layout.sequence_blocks(131_072, 8192, (0, 23))
    assert held == whole + 6 * (-(-(1024 - 1 + 8192) // 16) + 1)
    assert layout.sequence_blocks(64, 8192) == 7 * 4
    assert group_size([12, 36]) == 12
    assert group_size([10, 14]) == 14


def test_a_model_without_a_cache_has_no_pages():
    model = find_model("meta-llama/Llama-3.1-8B")
    assert page_layout(model, (), 2, 1) is None
