"""What fits: capacity by mode, the engine's KV budget against its logs, and valid splits."""

import csv

import pytest

from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.models.model import Layer, Model, Tensors
from kvviz.catalog.models.shipped import find_model, model_names
from kvviz.memory import estimate
from kvviz.settings.scenario import Scenario
from kvviz.shards.split import valid_tensor_parallel
from kvviz.units import GiB, MiB

LLAMA_WEIGHTS, LLAMA_TOKEN = 16_060_522_496, 131_072
LLAMA_ROTARY = 131_072 * 128 * 2  # a cosine and a sine for half of a head of 128, in bf16
# Their logged weights and activations hold more: gemma-3's stretched rotary tables (0.56 GiB), and
# a part of the experts' workspace of Qwen3-30B-A3B.
NOT_PLAIN_TEXT = ("google/gemma-3-12b-it", "Qwen/Qwen3-30B-A3B")


def engine(**settings):
    return estimate(Scenario(mode="vllm", **settings))


def test_textbook_capacity_is_what_the_driver_reports_times_the_utilization():
    assert estimate(Scenario(gpu="L4", utilization=0.5)).capacity_bytes == 23_034 * MiB // 2
    assert estimate(Scenario()).plan.assumptions == ()
    assert estimate(Scenario()).plan.taken.total == 0


def test_engine_capacity_is_what_cuda_reports_times_the_utilization():
    report = engine(gpu="GeForce RTX 4090", model="TinyLlama-1.1B-Chat-v1.0", utilization=0.9)
    assert report.capacity_bytes == 25_250_627_584 * 9 // 10
    h100 = engine(utilization=1.0).capacity_bytes
    assert h100 == pytest.approx(79.19 * GiB, abs=1)


def test_the_engines_overheads_are_assumed_and_yield_to_the_users():
    report = engine()
    assert {item.name for item in report.plan.assumptions} == {
        "activation peak",
        "non-PyTorch memory",
        "CUDA graphs",
    }
    assert all(item.source and "user" not in item.source for item in report.plan.assumptions)
    assert report.kinds["per_gpu"] == report.kinds["fits"] == "assumed"
    own = engine(activation_gib=1.5, non_torch_gib=0.25, cuda_graphs_gib=0.25)
    assert own.per_gpu["overhead"] == 2 * GiB + LLAMA_ROTARY
    assert {item.source for item in own.plan.assumptions} == {"set by the user"}
    # The rest of the GPU goes to KV, in whole blocks of 16 tokens of 128 KiB.
    left = own.capacity_bytes - LLAMA_WEIGHTS - 2 * GiB - LLAMA_ROTARY
    assert own.plan.kv_bytes == left
    assert own.plan.blocks == left // (16 * LLAMA_TOKEN)
    assert own.plan.tokens == 16 * own.plan.blocks
    assert own.plan.concurrency_at(4096) == own.plan.tokens / 4096
    assert own.plan.concurrency == own.plan.tokens / 32_768
    assert own.per_gpu["total"] == own.total_bytes + 2 * GiB + LLAMA_ROTARY


def test_a_gpu_fits_only_with_its_overhead():
    settings = {"activation_gib": 0, "cuda_graphs_gib": 0, "batch": 1, "context": 16}
    total = LLAMA_WEIGHTS + 16 * LLAMA_TOKEN + LLAMA_ROTARY
    spare = (engine(**settings).capacity_bytes - total) / GiB
    for gib, fits in ((spare - 1e-6, True), (spare + 1e-6, False)):
        report = engine(non_torch_gib=gib, **settings)
        assert (report.fits, report.gpus_needed == 1) == (fits, fits)


def test_a_gpu_may_be_full_to_the_last_byte():
    report = estimate(Scenario())
    for room, fits in ((report.total_bytes, True), (report.total_bytes - 1, False)):
        tight = estimate(Scenario(utilization=(room + 0.5) / report.capacity_bytes))
        assert tight.capacity_bytes == room
        assert (tight.fits, tight.gpus_needed == 1, tight.gpus_by_capacity == 1) == (fits,) * 3


def test_the_tightest_stage_bounds_the_blocks():
    # 11, 11 and 10 layers of 436,224,000 B, 4,096 B a token in each; the embedding on the first
    # stage, the head with a norm of 8,192 B on the last.
    layer, edge = 436_224_000, 1_050_673_152
    report = engine(pp=3, activation_gib=1, non_torch_gib=0, cuda_graphs_gib=0)
    room = report.capacity_bytes - GiB - LLAMA_ROTARY
    weights = (edge + 11 * layer, 11 * layer, 10 * layer + edge + 8192)
    blocks = [
        (room - held) // (16 * layers * 4096)
        for held, layers in zip(weights, (11, 11, 10), strict=True)
    ]
    assert report.plan.blocks == min(blocks) == blocks[0]
    assert report.plan.kv_bytes == room - weights[0]


def test_only_tensor_parallel_brings_the_links_overhead():
    def outside(**split):
        return next(
            item.gib
            for item in engine(**split).plan.assumptions
            if item.name == "non-PyTorch memory"
        )

    assert outside() == outside(pp=2) == 0.25
    assert outside(tp=2) == outside(tp=4, pp=2) == 2.1


def test_an_engine_loads_the_vision_tower_too():
    tower = engine(model="google/gemma-3-4b-it").plan.assumptions[-1]
    assert (tower.name, tower.gib) == ("vision tower", 2 * 419_816_304 / GiB)
    halved = engine(model="google/gemma-3-4b-it", tp=2).plan.assumptions[-1]
    assert halved.gib == tower.gib / 2


def test_no_room_leaves_no_blocks():
    report = engine(gpu="T4", utilization=0.9)
    assert (report.plan.blocks, report.plan.tokens, report.plan.concurrency) == (0, None, None)
    assert "would not start" in report.warnings[0]
    assert "expected more memory for it" in report.plan.refused


def logged(shared, **wanted):
    """Rows of one engine version on H100 whose unquantized model is in the catalog."""
    base = {"engine_version": "v0.19.0", "gpu": "H100-80GB", "quantization": "", **wanted}
    names = set(model_names())
    with (shared / "validation" / "engine_logs.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = row["model"].removesuffix("-v0.1").removesuffix("-Instruct")
            name = next((x for x in (row["model"], name, name + "-v0.1") if x in names), None)
            if name and all(row[key] == value for key, value in base.items()):
                yield row, name


def deviation(row, name):
    report = engine(
        model=name,
        engine_version=row["engine_version"],
        utilization=float(row["gpu_memory_utilization"]),
        kv_dtype=row["kv_dtype"],
        tp=int(row["tp"]),
        pp=int(float(row["pp"])),
        max_model_len=int(float(row["max_model_len"])),
        context=1024,
    )
    tokens = int(float(row["kv_tokens"]))
    concurrency = float(row["max_concurrency"])
    assert report.plan.concurrency / concurrency == pytest.approx(
        report.plan.tokens / tokens, rel=0.002
    )
    return report.plan.tokens / tokens - 1


def test_kv_tokens_of_bf16_models_on_one_gpu_as_logged(shared):
    found = [
        (deviation(row, name), name)
        for row, name in logged(shared, dtype="bfloat16", tp="1", pp="1")
    ]
    assert len(found) >= 20
    assert len({name for _, name in found}) >= 8
    print(f"{len(found)} rows, worst {max(found, key=lambda pair: abs(pair[0]))}")
    assert all(abs(off) < 0.005 for off, name in found if name not in NOT_PLAIN_TEXT)
    assert all(0 < off < 0.035 for off, name in found if name in NOT_PLAIN_TEXT)


@pytest.mark.parametrize(("tp", "pp"), [("2", "1"), ("4", "1"), ("1", "2"), ("1", "4")])
def test_kv_tokens_of_split_dense_models_as_logged(shared, tp, pp):
    dense = ("meta-llama/Llama-3.1-8B", "Qwen/Qwen2.5-7B")
    rows = logged(shared, dtype="bfloat16", tp=tp, pp=pp)
    found = [deviation(row, name) for row, name in rows if name in dense]
    assert found
    assert all(abs(off) < 0.002 for off in found)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("meta-llama/Llama-3.1-8B", (1, 2, 4, 8, 16, 32)),  # 32 heads, 8 KV heads
        ("microsoft/phi-4", (1, 2, 5, 10, 20, 40)),  # 40 and 10: 4 and 8 divide neither way
        ("Qwen/Qwen2.5-7B", (1, 2, 4, 28)),  # 28 and 4
        ("tiiuae/falcon-7b-instruct", (1, 71)),  # 71 and 1
        ("openai-community/gpt2", (1, 2, 3, 4, 6, 12)),
        ("deepseek-ai/DeepSeek-V3", (1, 2, 4, 8, 16, 32, 64, 128)),  # one latent for all
    ],
)
def test_valid_tensor_parallel_sizes(name, sizes):
    assert valid_tensor_parallel(find_model(name)) == sizes


def test_a_model_that_caches_no_tokens():
    layers = (Layer("ssm", 4, 0, 8, 0, state_values=64, conv_values=12),) * 3
    tensors = (Tensors("embedding", None, 800, 0, "tp", False, "bf16"),)
    model = Model("ssm", "toy", "bf16", "fp32", 8, 100, 64, layers, tensors, True)
    scenario = Scenario(own_models={"ssm": model}, model="ssm", flash=False, batch=5)
    report = estimate(scenario)
    assert report.state_bytes_per_sequence == 3 * (64 * 4 + 12 * 2)
    assert report.total_bytes == 800 * 2 + 5 * 3 * (64 * 4 + 12 * 2)
    assert report.kv["allocated_bytes"] == report.scores["bytes"] == 0
    assert report.efficiency == 1
    assert valid_tensor_parallel(model) == (1, 2, 4)
    assert estimate(scenario).plan.layout is None


def test_a_figure_that_rests_on_an_unverified_capacity_says_so():
    assert "reported_mib" in find_gpu("B100").unverified
    kinds = estimate(Scenario(gpu="B100")).kinds
    assert kinds["gpus_needed"] == kinds["capacity_bytes"] == "assumed"
    assert kinds["weights_bytes"] == kinds["per_gpu"] == "computed"
