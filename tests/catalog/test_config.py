"""A config.json becomes exact facts: parameters, dtypes, and what each layer caches."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from kvviz.catalog.models.config import ConfigError, model_from_config, read_config
from kvviz.catalog.models.model import Model

SHARED = Path(__file__).parents[3] / "shared"
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
MOE = {
    **LLAMA,
    "model_type": "qwen3_moe",
    "head_dim": 16,
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [0],
    "layer_types": ["full_attention", "sliding_attention"],
    "sliding_window": 128,
    "quantization_config": {"quant_method": "fp8", "modules_to_not_convert": ["lm_head"]},
}


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the folder {SHARED.name}/ with real configs is not beside the project")
    return SHARED


def rows(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "validation" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shared_model(shared: Path, stem: str) -> Model:
    return model_from_config(read_config(shared / "configs" / f"{stem}.json"), stem)


def kv_bytes(model: Model, windowed: bool) -> int:
    """bf16 bytes a token adds in the layers with a window, or in those without."""
    return 2 * sum(
        layer.cached_values for layer in model.layers if (layer.window is not None) == windowed
    )


def counted(model: Model, **wanted: object) -> int:
    return sum(
        group.count
        for group in model.tensors
        if all(getattr(group, key) == value for key, value in wanted.items())
    )


def test_every_shared_config_is_read(shared: Path) -> None:
    """Those that vLLM's layouts were recorded of; any other is read, or refused by its key."""
    recorded = {path.stem for path in (shared / "golden" / "vllm_layout").glob("*.json")}
    paths = [p for p in (shared / "configs").glob("*.json") if "hf_quant_config" not in p.name]
    assert len(recorded) >= 35
    assert recorded <= {path.stem for path in paths}
    for path in paths:
        if path.stem in recorded or readable(path):
            model = shared_model(shared, path.stem)
            assert model.parameters >= model.active_parameters > 0
            assert len(model.layers) > 1


def readable(path: Path) -> bool:
    """Tell whether a config is read; where it is not, the error names a key of it."""
    try:
        model_from_config(read_config(path))
    except ConfigError as error:
        return not str(error).startswith("Config key '")
    return True


def test_parameters_and_cache_match_the_published_table(shared: Path) -> None:
    checked = Counter[str]()
    for row in rows(shared, "params.csv"):
        stem = row["config_file"]
        if not stem or not (shared / "configs" / f"{stem}.json").is_file():
            continue
        model = shared_model(shared, stem)
        window_bytes = 2 * sum(
            layer.cached_values * layer.window for layer in model.layers if layer.window
        )
        found = {
            "params_exact": model.parameters,
            "active_params_computed": model.active_parameters,
            "kv_bytes_per_token_growing": kv_bytes(model, windowed=False),
            "kv_bytes_per_token_all_layers": kv_bytes(model, False) + kv_bytes(model, True),
            "window_cap_bytes": window_bytes,
        }
        for key, value in found.items():
            if row[key]:
                assert value == int(row[key]), (stem, key)
                checked[key] += 1
    assert checked["params_exact"] >= 29
    assert checked["active_params_computed"] >= 8
    assert checked["kv_bytes_per_token_growing"] >= 33


def test_published_totals_differ_only_by_what_is_known(shared: Path) -> None:
    known = {
        "meta-llama/Llama-2-7b-hf": 32 * 64,  # rotary buffers kept in the checkpoint
        "meta-llama/Llama-2-70b-hf": 80 * 64,
        "meta-llama/Llama-4-Scout-17B-16E-Instruct": 871_932_416,  # vision tower
        "google/gemma-3-27b-it": 416_866_032 + 1152 * 5376 + 1152,  # vision tower, projector
        "tiiuae/falcon-7b-instruct": 65_024 * 4_544,  # a stored copy of the tied head
        "openai-community/gpt2": 12 * 1024 * 1024,  # causal masks
        "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": -23 * 128,  # fp32 router biases left out
        "Qwen/Qwen3-Next-80B-A3B-Instruct": 1_650_471_424,  # multi-token prediction
    }
    for row in rows(shared, "params.csv"):
        if row["model"].startswith("deepseek") or not row["params_published"].isdigit():
            continue
        if row["config_file"] and (shared / "configs" / f"{row['config_file']}.json").is_file():
            model = shared_model(shared, row["config_file"])
            extra = known.get(row["model"], 0)
            assert int(row["params_published"]) - model.parameters == extra, row["model"]


def test_deepseek_checkpoint_is_explained_to_the_last_value(shared: Path) -> None:
    model = shared_model(shared, "deepseek-ai__DeepSeek-V3")
    hidden, last = model.hidden_size, len(model.layers) - 1
    prediction = counted(model, layer=last) + 2 * hidden**2 + 3 * hidden
    prediction += 2 * model.vocab_size * hidden
    fp8 = counted(model, dtype="fp8") + counted(model, dtype="fp8", layer=last)
    # One scale for each 128 x 128 block; kv_a's 576 rows end in half a block of 56.
    scales = fp8 // 128**2 + 62 * 28
    assert model.parameters + prediction + scales == 684_531_386_000


def test_v32_adds_an_indexer(shared: Path) -> None:
    plain, sparse = (shared_model(shared, f"deepseek-ai__DeepSeek-{v}") for v in ("V3", "V3.2"))
    indexer = 1536 * 64 * 128 + 7168 * 128 + 7168 * 64 + 2 * 128
    assert sparse.parameters - plain.parameters == 61 * indexer
    assert {layer.index_bytes for layer in sparse.layers} == {128 + 4}  # fp8 and a scale


def test_states_are_constant_per_sequence(shared: Path) -> None:
    qwen = shared_model(shared, "Qwen__Qwen3-Next-80B-A3B-Instruct")
    linear = [layer for layer in qwen.layers if layer.attention == "linear"]
    assert len(linear) == 36
    assert {(x.state_values, x.conv_values) for x in linear} == {(32 * 128 * 128, 8192 * 3)}
    minimax = shared_model(shared, "MiniMaxAI__MiniMax-M1")
    assert sum(layer.state_values for layer in minimax.layers) == 70 * 64 * 128 * 128
    assert minimax.state_dtype == "fp32"
    nemotron = shared_model(shared, "nvidia__NVIDIA-Nemotron-3-Nano-30B-A3B-BF16")
    kinds = Counter(layer.attention for layer in nemotron.layers)
    assert kinds == {"ssm": 23, "none": 23, "full": 6}
    ssm = next(layer for layer in nemotron.layers if layer.attention == "ssm")
    assert (ssm.state_values, ssm.conv_values) == (64 * 64 * 128, 3 * 6144)


def test_gemma4_caches_both_tensors_in_full_layers(shared: Path) -> None:
    model = shared_model(shared, "google__gemma-4-26B-A4B")
    full = [layer for layer in model.layers if layer.attention == "full"]
    assert {(layer.kv_heads, layer.head_dim, layer.cached_values) for layer in full} == {
        (2, 512, 2 * 2 * 512)
    }
    assert 25.2e9 < model.parameters < 25.3e9


def test_quantized_parts_are_the_ones_the_checkpoint_quantizes(shared: Path) -> None:
    scout = shared_model(shared, "RedHatAI__Llama-4-Scout-17B-16E-Instruct-FP8-dynamic")
    parts = {group.part for group in scout.tensors if group.dtype == "fp8"}
    assert parts == {"experts", "shared experts"}
    oss = shared_model(shared, "openai__gpt-oss-120b")
    assert {(g.part, g.linear) for g in oss.tensors if g.dtype == "mxfp4"} == {("experts", True)}
    minimax = shared_model(shared, "MiniMaxAI__MiniMax-M2.5")
    assert {g.part for g in minimax.tensors if g.dtype == "fp8"} == {"attention", "experts"}


def test_groups_split_as_tensor_parallel_does() -> None:
    model = model_from_config(MOE, "moe")
    splits = {(group.part, group.split) for group in model.tensors}
    assert splits >= {("attention", "tp"), ("attention", "kv"), ("router", "none")}
    assert splits >= {("norm", "none"), ("embedding", "tp"), ("head", "tp"), ("experts", "tp")}
    experts = [group for group in model.tensors if group.part == "experts"]
    assert [(g.layer, g.active * 2) for g in experts] == [(1, experts[0].count)]
    assert all(group.linear == (group.part in LINEAR) for group in model.tensors)


LINEAR = {"attention", "mlp", "experts", "router"}


@pytest.mark.parametrize(
    ("settings_", "expected"),
    [
        ({"quant_method": "gptq", "bits": 4}, {"int4"}),
        ({"quant_method": "awq", "bits": 8}, {"int8"}),
        ({"quant_method": "gptq", "bits": 4, "group_size": 32}, {"int4g32"}),
        ({"quant_method": "auto-round", "bits": 4, "group_size": 64}, {"int4g64"}),
        ({"quant_method": "gptq", "bits": 4, "group_size": -1}, {"int4ch"}),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, {"bnb4"}),
        (
            {
                "quant_method": "bitsandbytes",
                "load_in_4bit": True,
                "bnb_4bit_use_double_quant": True,
            },
            {"nf4"},
        ),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, {"nvfp4"}),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, {"int8"}),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, {"fp8"}),
        ({"quant_method": "modelopt", "quant_algo": "FP8", "ignore": ["*mlp*"]}, {"fp8", "bf16"}),
    ],
)
def test_quantization_methods(settings_: dict[str, object], expected: set[str]) -> None:
    model = model_from_config({**LLAMA, "quantization_config": settings_})
    assert {group.dtype for group in model.tensors if group.linear} == expected
    assert {group.dtype for group in model.tensors if not group.linear} == {"bf16"}


@pytest.mark.parametrize(
    ("weights", "dtype"),
    [
        ({"num_bits": 4, "type": "float", "group_size": 16, "strategy": "tensor_group"}, "nvfp4"),
        ({"num_bits": 4, "type": "float", "group_size": 32}, "mxfp4"),
        ({"num_bits": 4, "type": "int", "group_size": 32, "strategy": "group"}, "int4g32"),
        ({"num_bits": 4, "type": "int", "strategy": "channel"}, "int4ch"),
        ({"num_bits": 8, "type": "float", "strategy": "channel"}, "fp8"),
    ],
)
def test_compressed_tensors_have_groups_of_several_sizes(
    weights: dict[str, object], dtype: str
) -> None:
    groups = {"group_0": {"targets": ["Linear"], "weights": weights}}
    settings_ = {"quant_method": "compressed-tensors", "config_groups": groups}
    model = model_from_config({**LLAMA, "quantization_config": settings_})
    assert {group.dtype for group in model.tensors if group.linear} == {dtype}


def test_compressed_tensors_honours_its_ignore_list() -> None:
    weights = {"num_bits": 4, "type": "int"}
    config = {
        **LLAMA,
        "quantization_config": {
            "quant_method": "compressed-tensors",
            "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}},
            "ignore": ["lm_head", "re:.*self_attn.*", "model.layers.1.mlp.down_proj"],
        },
    }
    model = model_from_config(config)
    assert counted(model, dtype="int4") == (3 + 2) * 64 * 128


def test_defaults_are_noted() -> None:
    sparse = {
        "model_type": "gemma3",
        "text_config": {
            "model_type": "gemma3_text",
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "num_hidden_layers": 34,
            "sliding_window": 1024,
        },
        "torch_dtype": "bfloat16",
    }
    model = model_from_config(sparse, "google/gemma-3-4b-it")
    assert (model.heads, model.kv_heads, model.layers[0].head_dim) == (8, 4, 256)
    assert sum(layer.attention == "full" for layer in model.layers) == 5
    notes = " ".join(model.notes)
    for key in ("num_attention_heads", "head_dim", "sliding_window_pattern", "vision"):
        assert key in notes


def test_mistral_tells_null_from_absent() -> None:
    absent = model_from_config({**LLAMA, "model_type": "mistral"})
    null = model_from_config({**LLAMA, "model_type": "mistral", "sliding_window": None})
    assert {layer.window for layer in absent.layers} == {4096}
    assert {layer.window for layer in null.layers} == {None}
