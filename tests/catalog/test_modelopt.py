"""Checkpoints of NVIDIA ModelOpt: sidecars, algorithms, names left alone, the KV cache."""

import json
from pathlib import Path
from typing import Any

import pytest

import kvviz
from kvviz.catalog.dtypes import storage_bytes
from kvviz.catalog.models.config import ConfigError, model_from_config, read_config
from kvviz.catalog.models.model import Model
from kvviz.memory import estimate
from kvviz.settings.scenario import Scenario
from tests.catalog.test_config import LLAMA, counted, shared  # noqa: F401

FP8 = {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8", "exclude_modules": ["lm_head"]}
MATRICES = 2 * (2 * 64 * 64 + 2 * 64 * 16 + 3 * 64 * 128)


def weights(model: Model) -> int:
    return sum(storage_bytes(group.count, group.dtype) for group in model.tensors)


def sidecar(**quantization: Any) -> dict[str, Any]:
    return {"producer": {"name": "modelopt"}, "quantization": quantization}


def beside(**quantization: Any) -> Model:
    return model_from_config({**LLAMA, "hf_quant_config": sidecar(**quantization)})


@pytest.mark.parametrize("names", [("config", ""), ("llama", "llama.")])
def test_a_sidecar_is_found_beside_its_config(tmp_path: Path, names: tuple[str, str]) -> None:
    path = tmp_path / f"{names[0]}.json"
    path.write_text(json.dumps(LLAMA), encoding="utf-8")
    assert counted(kvviz.model_from_config(path), dtype="fp8") == 0
    found = tmp_path / f"{names[1]}hf_quant_config.json"
    found.write_text(json.dumps(sidecar(**FP8)), encoding="utf-8")
    model = kvviz.model_from_config(path)
    assert model == model_from_config(read_config(path), source=str(path))
    assert counted(model, dtype="fp8") == MATRICES
    assert model.cache_dtype == "fp8"
    assert "KV dtype auto" in " ".join(model.notes)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"quantization": []}'])
def test_a_broken_sidecar_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA), encoding="utf-8")
    path.with_name("hf_quant_config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="hf_quant_config"):
        model_from_config(path)


def test_the_configs_own_quantization_goes_first() -> None:
    own = {"quant_method": "modelopt", "quant_algo": "NVFP4"}
    config = {**LLAMA, "quantization_config": own, "hf_quant_config": sidecar(**FP8)}
    assert counted(model_from_config(config), dtype="nvfp4") == MATRICES


@pytest.mark.parametrize(
    ("algorithm", "dtype"),
    [
        ({"quant_algo": "FP8"}, "fp8"),
        ({"quant_algo": "NVFP4", "group_size": 16}, "nvfp4"),
        ({"quant_algo": "W4A16_AWQ", "group_size": 64, "has_zero_point": False}, "int4g64"),
        ({"quant_algo": "W4A16_AWQ"}, "int4"),
    ],
)
def test_algorithms(algorithm: dict[str, Any], dtype: str) -> None:
    model = beside(**algorithm)
    assert counted(model, dtype=dtype) == MATRICES
    assert model.cache_dtype == ""
    assert "no excluded module" in " ".join(model.notes)


def test_nvfp4_has_a_scale_for_each_16() -> None:
    assert weights(beside(quant_algo="NVFP4")) - weights(model_from_config(LLAMA)) == (
        MATRICES // 2 + MATRICES // 16 - 2 * MATRICES
    )


def test_layers_have_algorithms_of_their_own() -> None:
    layers = {
        "model.layers.0.mlp.up_proj": {"quant_algo": "NVFP4", "group_size": 16},
        "model.layers.1.mlp": {"quant_algo": "FP8"},
        "lm_head": {"quant_algo": "W4A16_NVFP4", "group_size": 16},
    }
    model = beside(quant_algo="MIXED_PRECISION", quantized_layers=layers, exclude_modules=["mtp*"])
    assert counted(model, dtype="nvfp4") == 64 * 128 + 64 * 100
    assert counted(model, dtype="fp8") == 3 * 64 * 128


@pytest.mark.parametrize(
    ("excluded", "kept"),
    [
        ("model.layers.0.self_attn*", 10_240),
        ("*.self_attn.*", 20_480),
        ("language_model.model.layers.1*", 34_816),
        ("model.language_model.layers.0.mlp.up_proj", 8_192),
        ("backbone.layers.1.mlp.up_proj", 8_192),
        ("backbone.layers.1.mlp*", 24_576),
        ("mtp*", 0),
    ],
)
def test_excluded_names_are_the_checkpoints_own(excluded: str, kept: int) -> None:
    model = beside(quant_algo="FP8", exclude_modules=[excluded])
    assert counted(model, dtype="fp8") == MATRICES - kept


def test_an_engine_and_the_textbook_cache_what_the_checkpoint_asks_for() -> None:
    own = {"tiny": beside(**FP8)}
    for mode in ("textbook", "vllm"):
        found = [
            estimate(Scenario(model="tiny", own_models=own, mode=mode, kv_dtype=dtype))
            for dtype in ("auto", "fp8", "bf16")
        ]
        auto, fp8, bf16 = (report.kv_bytes_per_token for report in found)
        assert (auto, bf16) == (fp8, 2 * fp8)


@pytest.mark.parametrize(
    ("quantization", "word"),
    [
        ({"quant_algo": "MXFP8"}, "MXFP8"),
        ({"quant_algo": None}, "quant_algo"),
        ({"quant_algo": "NVFP4", "group_size": 32}, "group_size"),
        ({"quant_algo": "FP8", "kv_cache_quant_algo": "NVFP4"}, "kv_cache_quant_algo"),
        ({"quant_algo": "FP8", "kv_cache_scheme": {"num_bits": 4}}, "kv_cache_scheme"),
        ({"quant_algo": "FP8", "low_rank": 32}, "low_rank"),
        ({"quant_algo": "MIXED_PRECISION"}, "config_groups"),
        ({"quant_algo": "MIXED_PRECISION", "quantized_layers": {}}, "quantized_layers"),
        (
            {"quant_algo": "MIXED_PRECISION", "quantized_layers": {"a": {"quant_algo": "INT3"}}},
            "INT3",
        ),
    ],
)
def test_what_is_not_known_is_refused_by_name(quantization: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        beside(**quantization)
    assert str(caught.value).count(". ") == 0


# GiB, and the parts in 4 or 8 bits. By hand: gemma's experts are 30 x 128 x 3 x 2,816 x 704
# numbers, the other 2.396e9 in bf16; Qwen3.6's MLPs and head 18.384e9 in nvfp4, its attention and
# its linear attention without two gates 7.214e9 in fp8, the other 1.298e9 in bf16.
REAL = [
    ("nvidia__Llama-3.1-70B-Instruct-FP8", 67.67, {"attention", "mlp"}),
    ("cases/llama31_70b_fp8_sidecar_only", 67.67, {"attention", "mlp"}),
    ("Qwen__Qwen3-32B-FP8-Static-PerTensor", 31.96, {"attention", "mlp"}),
    ("cases/qwen3_32b_modelopt_no_quant_method", 31.96, {"attention", "mlp"}),
    ("nvidia__NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4", 18.0, {"ssm", "experts", "shared experts"}),
    ("nvidia__DeepSeek-V3.1-NVFP4", 359.84, {"attention", "mlp", "experts", "shared experts"}),
    ("nvidia__Gemma-4-26B-A4B-NVFP4", 16.425, {"experts"}),
    ("nvidia__Qwen3.6-27B-NVFP4", 18.767, {"attention", "linear attention", "mlp", "head"}),
    (
        "cases/qwen36_27b_modelopt_mixed_4layers",
        4.017,
        {"attention", "linear attention", "mlp", "head"},
    ),
]


@pytest.mark.parametrize(("stem", "gib", "parts"), REAL)
def test_real_checkpoints(shared: Path, stem: str, gib: float, parts: set[str]) -> None:  # noqa: F811
    model = model_from_config(shared / "configs" / f"{stem}.json")
    low = {group.part for group in model.tensors if group.dtype not in ("bf16", "fp32")}
    assert low == parts
    assert model.cache_dtype == "fp8"
    assert weights(model) / 2**30 == pytest.approx(gib, abs=0.005)
