"""The shipped catalog agrees with recorded counts, and names find their models."""

import csv
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kvviz.catalog.models.shipped import find_model, model_names, models
from kvviz.catalog.names import UnknownName, find_named, nearest

SHARED = Path(__file__).parents[3] / "shared"

PARAMETERS = {  # totals of public checkpoints, or counts explained in test_checkpoints
    "01-ai/Yi-34B": 34_388_917_248,
    "ai21labs/AI21-Jamba-1.5-Mini": 51_570_323_328,
    "CohereForAI/c4ai-command-r-v01": 34_980_831_232,
    "deepseek-ai/DeepSeek-R1": 671_026_419_200,
    "deepseek-ai/DeepSeek-V2-Lite": 15_706_484_224,
    "deepseek-ai/DeepSeek-V3": 671_026_419_200,
    "EleutherAI/gpt-j-6b": 6_050_882_784,
    "facebook/opt-13b": 12_853_473_280,
    "google/gemma-2-2b-it": 2_614_341_888,
    "google/gemma-2-9b-it": 9_241_705_984,
    "google/gemma-3-1b-it": 999_885_952,
    "google/gemma-3-12b-it": 11_766_034_176,
    "google/gemma-3-27b-it": 27_009_346_304,
    "HuggingFaceTB/SmolLM-1.7B-Instruct": 1_711_376_384,
    "meta-llama/Llama-2-7b-hf": 6_738_415_616,
    "meta-llama/Llama-2-70b-hf": 68_976_648_192,
    "meta-llama/Llama-3.1-405B": 405_853_388_800,
    "meta-llama/Llama-3.1-70B": 70_553_706_496,
    "meta-llama/Llama-3.1-8B": 8_030_261_248,
    "meta-llama/Llama-3.2-1B-Instruct": 1_235_814_400,
    "meta-llama/Llama-3.2-3B-Instruct": 3_212_749_824,
    "meta-llama/Llama-3.3-70B-Instruct": 70_553_706_496,
    "meta-llama/Llama-4-Scout-17B-16E-Instruct": 107_769_861_120,
    "meta-llama/Meta-Llama-3-8B": 8_030_261_248,
    "microsoft/phi-2": 2_779_683_840,
    "microsoft/Phi-3-mini-4k-instruct": 3_821_079_552,
    "microsoft/phi-4": 14_659_507_200,
    "MiniMaxAI/MiniMax-M1": 456_089_655_296,
    "mistralai/Mistral-7B-Instruct-v0.3": 7_248_023_552,
    "mistralai/Mistral-7B-v0.1": 7_241_732_096,
    "mistralai/Mistral-Small-24B-Instruct-2501": 23_572_403_200,
    "mistralai/Mixtral-8x22B-v0.1": 140_620_634_112,
    "mistralai/Mixtral-8x7B-v0.1": 46_702_792_704,
    "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": 31_577_940_288,
    "openai-community/gpt2": 124_439_808,
    "openai/gpt-oss-120b": 116_829_156_672,
    "Qwen/Qwen2-0.5B-Instruct": 494_032_768,
    "Qwen/Qwen2-7B-Instruct": 7_615_616_512,
    "Qwen/Qwen2.5-32B": 32_763_876_352,
    "Qwen/Qwen2.5-3B-Instruct": 3_085_938_688,
    "Qwen/Qwen2.5-72B": 72_706_203_648,
    "Qwen/Qwen2.5-7B": 7_615_616_512,
    "Qwen/Qwen3-30B-A3B": 30_532_122_624,
    "Qwen/Qwen3-32B": 32_762_123_264,
    "Qwen/Qwen3-8B": 8_190_735_360,
    "Qwen/Qwen3-Next-80B-A3B-Instruct": 79_674_391_296,
    "tiiuae/falcon-7b-instruct": 6_921_720_704,
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0": 1_100_048_384,
}
ACTIVE = {
    "ai21labs/AI21-Jamba-1.5-Mini": 12_110_311_296,
    "deepseek-ai/DeepSeek-V3": 37_552_297_472,
    "meta-llama/Llama-4-Scout-17B-16E-Instruct": 17_172_894_720,
    "MiniMaxAI/MiniMax-M1": 48_403_306_496,
    "mistralai/Mixtral-8x7B-v0.1": 12_879_925_248,
    "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": 3_580_076_352,
    "openai/gpt-oss-120b": 5_711_982_912,
    "Qwen/Qwen3-30B-A3B": 3_353_032_704,
    "Qwen/Qwen3-Next-80B-A3B-Instruct": 3_874_929_408,
}


def part(name: str, **wanted: object) -> int:
    return sum(
        group.count
        for group in find_model(name).tensors
        if all(getattr(group, key) == value for key, value in wanted.items())
    )


def test_the_catalog_ships_many_models() -> None:
    names = model_names()
    assert len(names) == len(set(names)) >= 60
    assert [model.name for model in models()] == list(names)
    assert all(model.source for model in models())


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name: str) -> None:
    assert find_model(name).parameters == PARAMETERS[name]


@pytest.mark.parametrize("name", ACTIVE)
def test_active_parameters(name: str) -> None:
    assert find_model(name).active_parameters == ACTIVE[name]


def test_checkpoints_whose_totals_hold_more_than_the_model() -> None:
    def stored(name: str) -> int:
        return find_model(name).parameters

    for name, total in (("Qwen/Qwen3-0.6B", 751_632_384), ("Qwen/Qwen3-1.7B", 2_031_739_904)):
        assert stored(name) + part(name, part="embedding") == total  # a copy as the tied head
    falcon = "tiiuae/falcon-40b-instruct"
    assert stored(falcon) + part(falcon, part="embedding") == 41_835_970_560
    large = "Qwen/Qwen3-235B-A22B-Instruct-2507"
    assert stored(large) - part(large, part="norm") == 235_092_836_352
    gemma = "google/gemma-3-4b-it"
    assert stored(gemma) + 416_866_032 + 1152 * 2560 + 1152 == 4_300_079_472  # vision
    glm, hidden = find_model("zai-org/GLM-4.5-Air"), 4096
    prediction = part(glm.name, layer=45) + 2 * hidden**2 + 3 * hidden
    assert glm.parameters + prediction + 2 * glm.vocab_size * hidden == 110_468_824_832


def test_quantized_checkpoints_hold_the_scales_of_their_blocks() -> None:
    oss = "openai/gpt-oss-20b"
    scales = part(oss, dtype="mxfp4") // 32
    assert find_model(oss).parameters + scales == 21_511_953_984
    kimi = "moonshotai/Kimi-K2-Instruct"
    scales = part(kimi, dtype="fp8") / 128**2
    assert find_model(kimi).parameters + scales == pytest.approx(1_026_470_731_056, rel=1e-8)
    # Four bits and two 16-bit numbers for each 64 weights; norms in bf16.
    norm = part("Qwen/Qwen3-14B", part="norm")
    rest = find_model("Qwen/Qwen3-14B").parameters - norm
    assert rest * 4.5 / 8 + 2 * norm == 8_307_783_680


@pytest.mark.parametrize(
    ("name", "gib"),
    [
        ("codellama/CodeLlama-7b-hf", 12.5515),
        ("ibm-granite/granite-3.3-8b-instruct", 15.2194),
        ("Qwen/Qwen1.5-MoE-A2.7B", 26.6652),
    ],
)
def test_sizes_of_16_bit_checkpoints(name: str, gib: float) -> None:
    assert round(find_model(name).parameters * 2 / 2**30, 4) == gib


def test_catalog_matches_every_published_row() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the folder {SHARED.name}/ with published counts is not beside the project")
    path = SHARED / "validation" / "params.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] in model_names()]
    assert len(rows) >= 36
    for row in rows:
        model = find_model(row["model"])
        if row["params_exact"]:
            assert model.parameters == int(row["params_exact"]), model.name
        cached = 2 * sum(layer.cached_values for layer in model.layers)
        assert cached == int(row["kv_bytes_per_token_all_layers"]), model.name


def test_windows_alternate_as_each_family_does() -> None:
    def full(name: str) -> int:
        return sum(layer.attention == "full" for layer in find_model(name).layers)

    assert full("google/gemma-3-4b-it") == 5
    assert full("google/gemma-3-12b-it") == 8
    assert full("openai/gpt-oss-20b") == 12
    assert full("meta-llama/Llama-4-Maverick-17B-128E-Instruct") == 12
    assert full("microsoft/Phi-3-mini-4k-instruct") == 0
    assert full("ai21labs/AI21-Jamba-1.5-Mini") == 4


@pytest.mark.parametrize(
    "name", ["llama 3.1 8b", "LLAMA-3.1-8B", "meta-llama/llama_3_1_8b", "meta-llama/Llama-3.1-8B"]
)
def test_names_ignore_case_and_punctuation(name: str) -> None:
    assert find_model(name) is find_model("meta-llama/Llama-3.1-8B")


@pytest.mark.parametrize("name", ["llama 3.1 9b", "", "/", "a" * 10_000, "\x00", "[(*"])
def test_unknown_names_give_the_nearest(name: str) -> None:
    with pytest.raises(UnknownName) as caught:
        find_model(name)
    message = str(caught.value)
    assert message.startswith("Unknown model")
    assert len(message) < 300
    assert any(known in message for known in model_names())


def test_ambiguous_tails_name_their_candidates() -> None:
    with pytest.raises(UnknownName, match="a/same, b/same"):
        find_named("same", {"a/same": 1, "b/same": 2}, "model")
    assert find_named("A-Same", {"a/same": 1, "b/same": 2}, "model") == 1
    assert nearest("lama", ["gpt", "llama"], limit=1) == ["llama"]


def test_names_are_cheap_and_need_only_the_standard_library() -> None:
    code = (
        "import sys, kvviz.catalog.models.shipped as m; m.model_names();"
        "print(m._model.cache_info().currsize, 'numpy' in sys.modules, 'pandas' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["0", "False", "False"]
    start = time.perf_counter()
    model_names()
    assert time.perf_counter() - start < 0.01
