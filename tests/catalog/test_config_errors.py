"""A config that cannot be read exactly gives one sentence that names what is wrong."""

import copy
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvviz.catalog.models.config import ConfigError, model_from_config, read_config
from kvviz.catalog.models.shipped import model_names

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 100,
    "max_position_embeddings": 512,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model_type": "lama"}, "llama"),
        ({"model_type": None}, "model_type"),
        ({"hidden_size": None}, "hidden_size"),
        ({"hidden_size": "64"}, "hidden_size"),
        ({"num_hidden_layers": True}, "num_hidden_layers"),
        ({"num_hidden_layers": -1}, "num_hidden_layers"),
        ({"num_hidden_layers": 0}, "num_hidden_layers"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers"),
        ({"vocab_size": 10**5000}, "vocab_size"),
        ({"vocab_size": math.inf}, "vocab_size"),
        ({"num_key_value_heads": 3}, "num_key_value_heads"),
        ({"num_attention_heads": 7, "num_key_value_heads": 7}, "num_attention_heads"),
        ({"tie_word_embeddings": "no"}, "tie_word_embeddings"),
        ({"torch_dtype": "float7"}, "torch_dtype"),
        ({"text_config": []}, "text_config"),
        ({"quantization_config": {"quant_method": "nvfp4"}}, "compressed-tensors"),
        ({"quantization_config": {"quant_method": "modelopt", "quant_algo": "W4A8"}}, "FP8"),
        (
            {"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 7}},
            "group_size",
        ),
        ({"quantization_config": {"quant_method": "gptq", "bits": 3}}, "bits"),
        (
            {"quantization_config": {"quant_method": "fp8", "ignored_layers": ["re:(a+)+$"]}},
            "quantization_config",
        ),
        ({"model_type": "qwen3", "head_dim": None}, "head_dim"),
        ({"model_type": "qwen2", "use_sliding_window": True}, "max_window_layers"),
        ({"model_type": "qwen2", "layer_types": ["full_attention"]}, "layer_types"),
        ({"model_type": "qwen2", "layer_types": ["full_attention", "x"]}, "layer_types[1]"),
        ({"model_type": "nemotron_h", "head_dim": 8}, "hybrid_override_pattern"),
        ({"model_type": "mixtral", "num_local_experts": 1, "num_experts_per_tok": 2}, "experts"),
    ],
)
def test_bad_input_is_one_sentence_naming_the_key(change: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        model_from_config({**LLAMA, **change})
    message = str(caught.value)
    assert named in message
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe",
        "",
        "not json",
        "[1, 2]",
        "[" * 10_000,
        '{"a":' * 10_000,
        '{"a": "' + "[" * 50,
        " " * 10_000_001,
        '{"a": ' + "9" * 5_000 + "}",
    ],
)
def test_unreadable_files_give_one_sentence(text: bytes | str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(text)
    assert len(str(caught.value)) < 300


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(ConfigError, match="10 MB"):
        read_config(path)


def test_infinity_and_brackets_in_text_are_read() -> None:
    found = read_config('{"limit": [0.0, Infinity], "template": "' + "[{" * 200 + '"}')
    assert found["limit"] == [0.0, math.inf]


JUNK = st.sampled_from([None, -1, 0, "x", "", [], {}, 1e30, True, [None], {"a": []}, 10**400])


def catalog_config(name: str) -> dict[str, object]:
    text = Path(__file__).parents[2] / "kvviz" / "catalog" / "models" / "models.json"
    entries = {entry["name"]: entry for entry in json.loads(text.read_text(encoding="utf-8"))}
    return dict(entries[name]["config"])


@settings(max_examples=300)
@given(st.sampled_from(model_names()), st.data())
def test_junk_gives_a_model_or_a_config_error(name: str, data: st.DataObject) -> None:
    config = copy.deepcopy(catalog_config(name))
    target = config
    key = data.draw(st.sampled_from(sorted(target)))
    while isinstance(target[key], dict) and target[key] and data.draw(st.booleans()):
        target = target[key]
        key = data.draw(st.sampled_from(sorted(target)))
    target[key] = data.draw(JUNK)
    assert outcome(config) in ("model", "error")


def outcome(config: dict[str, object]) -> str:
    try:
        return "model" if model_from_config(config).parameters > 0 else "nothing"
    except ConfigError as error:
        return "error" if len(str(error)) < 300 else "long error"
