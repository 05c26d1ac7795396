"""Quantization inside a config: each method is read right, or refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest

from kvviz.catalog.dtypes import storage_bytes
from kvviz.catalog.models.config import ConfigError, model_from_config
from kvviz.catalog.models.model import Model
from tests.catalog.test_config import LLAMA, counted, shared  # noqa: F401

WEIGHTS = {"num_bits": 8, "type": "float"}
SCHEME = {"num_bits": 8, "type": "float", "dynamic": False}


def quantized(method: str, **settings: Any) -> Model:
    return model_from_config({**LLAMA, "quantization_config": {"quant_method": method, **settings}})


def test_gptq_leaves_alone_and_changes_by_pattern() -> None:
    dynamic = {
        "-:.*self_attn.*": {},
        "+:.*down_proj.*": {"bits": 8},
        r"model\.layers\.1\.mlp\.up_proj": {"group_size": 32},
    }
    model = quantized("gptq", bits=4, group_size=128, dynamic=dynamic)
    assert {group.dtype for group in model.tensors if group.part == "attention"} == {"bf16"}
    assert counted(model, dtype="int8") == 2 * 64 * 128
    assert counted(model, dtype="int4g32") == 64 * 128
    assert counted(model, dtype="int4") == 3 * 64 * 128


def test_a_cache_alone_may_be_quantized() -> None:
    model = quantized("compressed-tensors", config_groups={}, kv_cache_scheme=SCHEME)
    assert {group.dtype for group in model.tensors} == {"bf16"}
    assert model.cache_dtype == "fp8"
    sidecar = {"quantization": {"quant_algo": None, "kv_cache_quant_algo": "FP8"}}
    beside = model_from_config({**LLAMA, "hf_quant_config": sidecar})
    assert (beside.cache_dtype, beside.tensors) == ("fp8", model.tensors)


@pytest.mark.parametrize(
    ("weight", "dtype"),
    [
        ({"dtype": "fp4", "group_size": 32}, "mxfp4"),
        ({"dtype": "fp8_e4m3", "qscheme": "per_tensor"}, "fp8"),
        ({"dtype": "uint4", "group_size": 128}, "int4"),
    ],
)
def test_quark_with_one_setting(weight: dict[str, Any], dtype: str) -> None:
    model = quantized("quark", global_quant_config={"weight": weight}, exclude=["lm_head"])
    quantized_parts = {group.part for group in model.tensors if group.dtype == dtype}
    assert quantized_parts == {"attention", "mlp"}


QUARK = {"global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}}


@pytest.mark.parametrize(
    ("method", "settings", "word"),
    [
        *[(name, {}, name) for name in ("torchao", "hqq", "quanto", "aqlm", "modelopt_new")],
        ("fp8", {"quant_algo": "MIXED_PRECISION"}, "quant_algo"),
        ("fp8", {"moe_quant_algo": "NVFP4"}, "moe_quant_algo"),
        ("fbgemm_fp8", {"quantized_layers": {"a": {}}}, "quantized_layers"),
        ("auto-round", {"bits": 4, "extra_config": {"lm_head": {"bits": 8}}}, "extra_config"),
        ("auto-round", {"bits": 4, "data_type": "mx_fp"}, "data_type"),
        ("gptq", {"bits": 4, "modules_in_block_to_quantize": [["a"]]}, "modules_in_block"),
        ("gptq", {"bits": 4, "dynamic": {"+:.*up_proj.*": {"bits": 3}}}, "up_proj.*bits"),
        ("gptq", {"bits": 4, "dynamic": {"-:(a+)+$": {}}}, "dynamic"),
        ("gptq", {"bits": 4, "dynamic": {f"-:{i}": {} for i in range(1_001)}}, "dynamic"),
        ("compressed-tensors", {"config_groups": {}}, "config_groups"),
        ("compressed-tensors", {"kv_cache_scheme": {"num_bits": 4}}, "kv_cache_scheme"),
        ("compressed-tensors", {"sparsity_config": {"format": "sparse-24-bitmask"}}, "format"),
        (
            "compressed-tensors",
            {"config_groups": {"a": {"targets": ["LlamaMLP"], "weights": WEIGHTS}}},
            "LlamaMLP",
        ),
        (
            "compressed-tensors",
            {"config_groups": {"a": {"targets": ["re:.*nothing.*"], "weights": WEIGHTS}}},
            "quantization_config' covers no matrix",
        ),
        ("quark", {}, "global_quant_config"),
        ("quark", {"global_quant_config": {"weight": {"dtype": "fp6"}}}, "fp6"),
        ("quark", {"global_quant_config": {"weight": {"dtype": "fp4"}}}, "group_size"),
        ("quark", {**QUARK, "layer_quant_config": {"*k_proj": {}}}, "layer_quant_config"),
        ("quark", {**QUARK, "export": {"kv_cache_group": ["*k_proj"]}}, "kv_cache_group"),
    ],
)
def test_what_is_not_known_is_refused_by_name(
    method: str, settings: dict[str, Any], word: str
) -> None:
    with pytest.raises(ConfigError, match=word):
        quantized(method, **settings)


@pytest.mark.parametrize("key", ["quantization", "compression_config"])
def test_a_quantization_under_another_key_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=f"'{key}'"):
        model_from_config({**LLAMA, key: {"group_size": 64, "bits": 4}})


@pytest.mark.parametrize("name", ["quantize_config.json", "quant_config.json"])
def test_an_old_file_beside_a_config_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA), encoding="utf-8")
    (tmp_path / name).write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match=name):
        model_from_config(path)


def test_a_sidecar_that_names_no_matrix_is_refused() -> None:
    layers = {"model.blocks.0.ffn": {"quant_algo": "FP8"}}
    settings = {"quant_algo": "MIXED_PRECISION", "quantized_layers": layers}
    with pytest.raises(ConfigError, match="hf_quant_config"):
        model_from_config({**LLAMA, "hf_quant_config": {"quantization": settings}})


@pytest.mark.parametrize(
    ("stem", "gib", "cache"),
    [
        ("llama8b_gptq_dynamic", 8.01, ""),
        ("llama8b_ct_kv_only", 14.96, "fp8"),
        ("llama8b_quark_mxfp4", 5.41, ""),
    ],
)
def test_cases(shared: Path, stem: str, gib: float, cache: str) -> None:  # noqa: F811
    model = model_from_config(shared / "configs" / "cases" / f"{stem}.json")
    size = sum(storage_bytes(group.count, group.dtype) for group in model.tensors)
    assert (round(size / 2**30, 2), model.cache_dtype) == (gib, cache)


@pytest.mark.parametrize("stem", ["cases/llama8b_mlx_quantization"])
def test_refused_cases(shared: Path, stem: str) -> None:  # noqa: F811
    with pytest.raises(ConfigError, match="'quantization'"):
        model_from_config(shared / "configs" / f"{stem}.json")
