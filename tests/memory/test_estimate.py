"""Whole estimates: worked examples, and the arithmetic of four models done by hand."""

import json
from dataclasses import asdict

import pytest

from kvviz.memory import estimate
from kvviz.memory.crossing import first_crossing
from kvviz.memory.shard import fullest_shard
from kvviz.settings.knobs import RENAMED
from kvviz.settings.scenario import Scenario
from kvviz.sim.workload.growth import growth
from kvviz.units import GiB, KiB, MiB

EVERYTHING_OFF = {"batching": "static", "paged": False, "flash": False}
TINY = {"model": "TinyLlama-1.1B-Chat-v1.0", "gpu": "RTX 4090", "batch": 1, "context": 128}
ONE_COPY = 34_359_738_368  # 32 sequences x 32 heads x 4,096 x 4,096 x 2 B = 32 GiB


def agrees(found, expected):
    if isinstance(expected, dict):
        return all(agrees(found[key], value) for key, value in expected.items())
    return found == expected


@pytest.mark.parametrize("number", range(6))
def test_worked_examples(shared, number):
    example = json.loads((shared / "golden" / f"estimate_{number:02}.json").read_text("utf-8"))
    options = {RENAMED.get(name, name): value for name, value in example["options"].items()}
    report = asdict(estimate(Scenario(**options)))
    for key, expected in example["result"].items():
        assert agrees(report[key], expected), key


def test_llama_8b_on_one_h100():
    report = estimate(Scenario())
    assert report.parameters == 8_030_261_248
    assert report.weights_bytes == 16_060_522_496
    assert round(report.weights_bytes / GiB, 2) == 14.96
    assert report.kv_bytes_per_token == 2 * 32 * 8 * 128 * 2 == 128 * KiB
    assert report.kv["allocated_bytes"] == 16 * GiB
    assert report.capacity_bytes == 81_559 * MiB
    assert report.capacity_bytes // (2 * MiB) == 40_779
    assert report.scores == {"bytes": 0, "avoided_bytes": ONE_COPY, "multiple": 1}


def test_llama_8b_with_everything_off_needs_four_gpus_not_three():
    report = estimate(Scenario(**EVERYTHING_OFF))
    assert report.kv["allocated_bytes"] == 32 * 4 * GiB  # slots of 32,768 x 128 KiB
    assert report.scores["bytes"] == 32 * GiB
    assert round(report.total_bytes / GiB, 2) == 174.96
    assert report.gpus_by_capacity == 3
    assert report.gpus_needed == report.gpus_tensor_parallel == 4
    assert report.deployment == {"tp": 4, "pp": 1}
    # By hand: 128/4 + 32/4 GiB and a quarter of all weights but 65 norms of 4,096 numbers.
    fullest = estimate(Scenario(**EVERYTHING_OFF, tp=4)).per_gpu
    assert fullest["kv"] + fullest["scores"] == 40 * GiB
    assert fullest["weights"] == (16_060_522_496 - 532_480) // 4 + 532_480


def test_a_pipeline_of_three_keeps_the_whole_scores_on_every_stage():
    # 11 + 11 + 10 layers. The first stage: 501 pages of embedding, 11 layers of 436,224,000 B,
    # 11/32 of 128 GiB of slots and all 32 GiB of scores.
    report = estimate(Scenario(**EVERYTHING_OFF, pp=3))
    layer = 2 * (4096 * (4096 + 1024 + 1024 + 4096) + 3 * 4096 * 14_336 + 2 * 4096)
    assert report.per_gpu["weights"] == 128_256 * 4096 * 2 + 11 * layer
    assert report.per_gpu["kv"] == 44 * GiB
    assert report.per_gpu["scores"] == ONE_COPY
    assert round(report.per_gpu["total"] / GiB, 1) == 81.4
    assert not report.fits


def test_pages_of_the_weights():
    scenario = Scenario()
    assert fullest_shard(scenario).page_bytes(16) == 2 * MiB
    timeline = growth(scenario, scenario.the_gpu.reported_bytes)
    owners = timeline.at(0).owner[timeline.at(0).state == 1].tolist()
    assert timeline.pages == 40_779
    assert len(owners) == 7_659
    assert (owners.count(-1), owners.count(32)) == (501, 501)
    assert {owners.count(layer) for layer in range(32)} == {208, 209}  # 208.01 pages each


def test_the_run_crosses_the_capacity_at_5_105_tokens():
    scenario = Scenario(flash=False, ragged=0.5, run_length=8192)
    capacity = scenario.the_gpu.reported_bytes
    assert first_crossing(scenario, capacity) == 5_105
    assert estimate(scenario.replaced(context=5_104)).total_bytes <= capacity
    assert estimate(scenario.replaced(context=5_105)).total_bytes > capacity
    assert first_crossing(scenario.replaced(run_length=5_104), capacity) is None
    assert first_crossing(scenario, 0) == 1
    exact = estimate(scenario.replaced(context=5_000)).total_bytes
    assert first_crossing(scenario, exact) == 5_001


def test_a_prefill_chunk_writes_half_a_gibibyte_of_scores():
    # One sequence: 32 heads x 2,048 x 4,096 x 2 B; a chunk is never longer than the prompt.
    scenario = Scenario(prefill="chunk", flash=False)
    assert estimate(scenario).scores["bytes"] == GiB // 2
    short = scenario.replaced(context=100)
    assert estimate(short).scores["bytes"] == 32 * 100 * 100 * 2


def test_decode_scores_are_megabytes():
    # q = 1 for each of 32 sequences: a chunk of one token, 32 times.
    scenario = Scenario(prefill="chunk", chunk=1, flash=False)
    assert 32 * estimate(scenario).scores["bytes"] == 8 * MiB


def test_tinyllama_slots_and_pages():
    slot = estimate(Scenario(**TINY, max_model_len=2048, paged=False, reservation="max")).kv
    paged = estimate(Scenario(**TINY, max_model_len=2048)).kv
    assert (slot["allocated_bytes"] / MiB, paged["allocated_bytes"] / MiB) == (44.00, 2.75)
    assert 1 - paged["allocated_bytes"] / slot["allocated_bytes"] == 0.9375
    short = estimate(Scenario(**TINY, max_model_len=1024, paged=False, reservation="max")).kv
    assert short["allocated_bytes"] == 22 * MiB
    wasted = short["reserved_bytes"] + short["internal_bytes"]
    assert wasted == 896 * 22_528 == 19.25 * MiB


def test_deepseek_v3_latent_cache_and_fp8_weights_on_h200():
    scenario = Scenario(
        model="DeepSeek-V3", gpu="H200", batch=16, context=32_768, tp=8, flash=False
    )
    report = estimate(scenario.replaced(max_model_len=65_536))
    # bf16: embedding and head 2 x 129,280 x 7,168; norms 61 x (2 x 7,168 + 1,536 + 512) + 7,168;
    # routers 58 x 256 x 7,168, with 58 x 256 biases in fp32.
    edges, norms, routers = 3_706_716_160, 2_013_184, 212_920_320
    # fp8, a byte each: 61 x 7,168 x (1,536 + 576) of down-projections, on every GPU; then
    # 61 x (1,536 x 128 x 192 + 512 x 128 x 256 + 128 x 128 x 7,168), 3 x 3 x 7,168 x 18,432 of
    # dense MLPs and 58 x 257 x 3 x 7,168 x 2,048 of experts with the shared one.
    down, attention, dense, experts = 923_467_776, 10_489_954_304, 1_189_085_184, 656_463_101_952
    replicated = down + norms + routers
    divided = edges + attention + dense + experts
    assert report.weights_bytes == replicated + divided == 672_987_258_880
    assert report.per_gpu["weights"] == replicated + divided // 8 == 85_119_508_480
    assert report.kv_bytes_per_token == 61 * (512 + 64) * 2 == 70_272
    cache = 36_842_766_336  # 16 x 32,768 x 70,272: every GPU holds the whole latent
    assert report.kv["allocated_bytes"] == report.per_gpu["kv"] == cache
    assert report.scores["bytes"] == 8 * report.per_gpu["scores"] == 4096 * GiB
    # With FlashAttention 5 pipeline stages do: 12 MoE layers and the head are 147,210,790,912 B
    # of 143,771 MiB, while 4 GPUs hold less than the total; heads alone divide by 8.
    flash = estimate(scenario.replaced(max_model_len=65_536, flash=True))
    assert flash.capacity_bytes == 150_754_820_096
    assert flash.total_bytes == 672_987_258_880 + cache == 709_830_025_216
    assert (flash.gpus_by_capacity, flash.gpus_needed, flash.gpus_tensor_parallel) == (5, 5, 8)
    assert flash.deployment == {"tp": 1, "pp": 5}
    staged = estimate(scenario.replaced(max_model_len=65_536, flash=True, tp=1, pp=5))
    assert staged.per_gpu["total"] == 147_210_790_912


def test_gemma_3_27b_sliding_windows_on_a100():
    scenario = Scenario(model="gemma-3-27b-it", gpu="A100 SXM4 80GB", batch=8, context=8192)
    report = estimate(scenario)
    assert report.weights_bytes == 2 * 27_009_346_304 == 54_018_692_608
    assert report.kv_bytes_per_token == 10 * 2 * 16 * 128 * 2 == 81_920
    assert report.kv_bytes_per_token_all_layers == 62 * 8192 == 507_904
    growing, windows = 5_368_709_120, 3_489_660_928  # 8 x 8,192 x 81,920; 8 x 1,024 x 52 x 8,192
    assert report.kv["allocated_bytes"] == growing + windows
    assert report.total_bytes == 62_877_062_656
    assert report.capacity_bytes == 81_920 * MiB
    assert report.deltas["paged"] == growing  # room for 8,192 more tokens, in 10 layers of 62
    # Two stages of 31 layers, 5 of them global; the tied embedding is on both, the norm on one.
    layer = 2 * (3 * 22_020_096 + 346_816_512 + 21_760)
    staged = estimate(scenario.replaced(pp=2)).per_gpu
    assert staged["weights"] == 2 * 262_208 * 5376 + 31 * layer + 2 * 5376 == 28_418_981_888
    assert staged["kv"] == (growing + windows) // 2


def test_qwen3_next_constant_state_on_mi300x():
    scenario = Scenario(model="Qwen3-Next-80B-A3B-Instruct", gpu="MI300X", batch=64, context=16_384)
    report = estimate(scenario)
    assert report.weights_bytes == 2 * 79_674_391_296
    assert report.kv_bytes_per_token == 12 * 2 * 2 * 256 * 2 == 24_576
    # 36 linear layers: 32 heads of 128 x 128 in fp32, and 3 inputs of 8,192 channels in bf16.
    assert report.state_bytes_per_sequence == 36 * (2_097_152 + 49_152) == 77_266_944
    assert report.kv["allocated_bytes"] == 24 * GiB
    assert report.state_bytes == 4_945_084_416
    assert report.total_bytes == 159_348_782_592 + 25_769_803_776 + 4_945_084_416
    assert report.capacity_bytes == 206_141_652_992
    assert estimate(scenario.replaced(context=1)).state_bytes == report.state_bytes
    four = estimate(scenario.replaced(tp=4)).per_gpu  # 2 KV heads: each is on two GPUs
    assert (four["kv"], four["state"]) == (12 * GiB, 4_945_084_416 // 4)


def test_gpt_oss_120b_mxfp4_experts_on_h100():
    report = estimate(Scenario(model="gpt-oss-120b", batch=10, context=1000))
    # 36 x 128 experts of 2 x 2,880 x 2,880 + 2,880 x 2,880 numbers: half a byte each, and a byte
    # of scale for 32; the other 2,167,371,072 numbers in bf16.
    assert 36 * 128 * 3 * 2880 * 2880 == 114_661_785_600
    assert report.weights_bytes == 60_914_073_600 + 4_334_742_144
    assert report.kv_bytes_per_token == 18 * 2 * 8 * 64 * 2 == 36_864
    # 63 pages of 16 in 18 layers; 128 tokens, 8 pages, in the other 18.
    assert report.kv["allocated_bytes"] == 10 * (1008 + 128) * 36_864
    assert report.kv["internal_bytes"] == 10 * 8 * 36_864
