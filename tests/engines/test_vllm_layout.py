"""vLLM's KV cache: its own answers for many models, and rules worked by hand."""

import json
import re

import pytest

from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.models.config import model_from_config, read_config
from kvviz.catalog.models.model import Layer, Model, Tensors
from kvviz.catalog.models.shipped import find_model
from kvviz.engines.planning import plan
from kvviz.engines.vllm.groups import group_size
from kvviz.settings.deployment import Deployment
from kvviz.units import GiB

KINDS = {
    "FullAttentionSpec": "full_attention",
    "MLAAttentionSpec": "mla_attention",
    "UniformTypeKVCacheSpecs": "mla_attention",
    "SlidingWindowSpec": "sliding_window",
    "ChunkedLocalAttentionSpec": "chunked_local_attention",
    "MambaSpec": "state",
}


def planned(name, gpu="H100 SXM5 80GB", **settings):
    model = name if isinstance(name, Model) else find_model(name)
    settings = {"kv_cache_memory_bytes": 20 * GiB, **settings}
    return plan(Deployment(model, find_gpu(gpu), engine="vllm", **settings))


def recorded(shared):
    """Every case of the records: model, what was asked, and what vLLM answered."""
    for path in sorted((shared / "golden" / "vllm_layout").glob("*.json")):
        record = json.loads(path.read_text())
        config = read_config(shared / record["config"])
        model = model_from_config(config, record["model"])
        for case in record["cases"]:
            yield model, case["input"], case.get("result"), case.get("refused")


def asked(model, given):
    return plan(
        Deployment(
            model,
            find_gpu({"B200": "B200 SXM"}.get(given["gpu"], given["gpu"])),
            tp=given.get("tp", 1),
            kv_dtype=given.get("kv_cache_dtype", "auto"),
            engine="vllm",
            max_model_len=given.get("max_model_len", 8192),
            max_num_batched_tokens=given.get("max_num_batched_tokens"),
            max_num_seqs=given.get("max_num_seqs"),
            prefix_caching=given.get("prefix_caching"),
            async_scheduling=given.get("async_scheduling"),
            kv_cache_memory_bytes=given.get("budget_bytes"),
        )
    )


def groups_of(answer):
    """Groups as (kind, layers, tokens in a block, window), one row a group."""
    for group in answer["groups"]:
        kind = next(KINDS[name] for name in KINDS if name.startswith(group["kind"][:11]))
        state = kind == "state"
        window = group.get("sliding_window") or group.get("attention_chunk_size")
        for layers in group["layers"]:
            yield kind, layers, 0 if state else group["block_size"], window


def test_every_recorded_layout_is_reproduced_exactly(shared):
    count = 0
    for model, given, answer, refused in recorded(shared):
        count += 1
        found, where = asked(model, given), f"{model.name} {given}"
        if answer is None:
            assert found.unsupported, where
            assert "until v0.23.0" in refused
            continue
        assert found.layout.block_size == answer["block_size"], where
        assert found.layout.bytes_per_block == answer["bytes_per_block"], where
        assert found.blocks == answer["num_blocks"], where
        assert found.tokens == answer["tokens_printed"], where
        assert found.concurrency == answer["max_concurrency"], where
        pinned = [group.blocks_per_request for group in found.groups]
        assert sorted(pinned) == sorted(answer["blocks_per_request"]), where
        own = [(g.kind, g.layers, g.block_size, g.window) for g in found.groups]
        if "inner" not in answer["groups"][0]:
            assert sorted(own, key=str) == sorted(groups_of(answer), key=str), where
        longest = re.search(r"estimated maximum model length is (\d+)", answer.get("refused") or "")
        if longest:
            assert found.longest(given["max_model_len"]) == int(longest[1]), where
    assert count >= 209


def test_the_defaults_are_those_of_the_records(shared):
    """Batch settings, prefix caching and async scheduling that were asked are vLLM's own."""
    for model, given, answer, _ in recorded(shared):
        if answer is None or given["prefix_caching"] is False or not given["async_scheduling"]:
            continue
        own = asked(
            model,
            {
                **given,
                "max_num_batched_tokens": None,
                "max_num_seqs": None,
                "prefix_caching": None,
                "async_scheduling": None,
            },
        )
        assert own.limits.max_num_batched_tokens == given["max_num_batched_tokens"]
        assert own.limits.max_num_seqs == given["max_num_seqs"]
        assert own.limits.prefix_caching
        assert own.limits.async_scheduling


def toy(*layers):
    tensors = (Tensors("embedding", None, 800, 0, "tp", False, "bf16"),)
    return Model("toy", "toy", "bf16", "fp32", 8, 100, 64, layers, tensors, True)


def attending(kind="full", window=None, values=64):
    return Layer(kind, 4, 4, 8, values, window=window)


@pytest.mark.parametrize(
    ("counts", "groups", "widest"),
    [
        ((10, 14), 2, 14),
        ((3, 4), 2, 4),
        ((2, 4), 3, 2),
        ((2, 5), 4, 2),  # 5 in three groups of at most 2
        ((2, 2, 3), 4, 2),  # 3 is not under 1.5 x 2
    ],
)
def test_kinds_are_grouped_by_the_smaller_or_a_near_larger(counts, groups, widest):
    kinds = [attending("sliding", window) for window in (9, 10, 11)]
    layers = [kind for kind, count in zip(kinds, counts, strict=False) for _ in range(count)]
    found = planned(toy(*layers))
    assert len(found.groups) == groups
    assert max(group.layers for group in found.groups) == widest
    assert sum(group.layers for group in found.groups) == sum(counts)
    assert found.layout.bytes_per_block == widest * 16 * 64 * 2
    assert group_size(list(counts)) == widest


@pytest.mark.parametrize(
    ("version", "async_scheduling", "pp", "batches"),
    [
        ((0, 25, 0), None, 1, 1),
        ((0, 26, 0), None, 1, 2),
        ((0, 26, 0), False, 1, 1),
        ((0, 33, 0), True, 2, 3),
        ((0, 33, 0), False, 2, 2),
    ],
)
def test_a_window_holds_the_batches_in_flight(version, async_scheduling, pp, batches):
    model = toy(*[attending(), attending("sliding", 100)] * 2, attending("chunked", 64))
    found = planned(
        model,
        version=version,
        async_scheduling=async_scheduling,
        pp=pp,
        max_model_len=100_000,
        max_num_batched_tokens=1000,
    )
    pinned = {group.kind: group.blocks_per_request for group in found.groups}
    assert pinned == {
        "full_attention": 100_000 // 16,
        "sliding_window": -(-(99 + batches * 1000) // 16) + 1,
        "chunked_local_attention": -(-(64 + batches * 1000) // 16),
    }


@pytest.mark.parametrize(
    ("name", "gpu", "version", "states"),
    [
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "GeForce RTX 4090", (0, 31, 0), 2),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "GeForce RTX 4090", (0, 32, 0), 3),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "H100 SXM5 80GB", (0, 32, 0), 2),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "H100 SXM5 80GB", (0, 33, 0), 3),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "GeForce RTX 4090", (0, 33, 0), 2),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "H100 SXM5 80GB", (0, 25, 0), 1),  # no caching
        ("ai21labs/AI21-Jamba-1.5-Mini", "H100 SXM5 80GB", (0, 33, 0), 2),
    ],
)
def test_states_that_a_sequence_holds(name, gpu, version, states):
    groups = planned(name, gpu, version=version).groups
    assert {g.blocks_per_request for g in groups if g.kind == "state"} == {states}


def test_a_block_beside_a_state_holds_it():
    found = planned("ai21labs/AI21-Jamba-1.5-Mini", version=(0, 33, 0))
    model = find_model("ai21labs/AI21-Jamba-1.5-Mini")
    layer = next(x for x in model.layers if x.attention == "ssm")
    state = (layer.state_values + layer.conv_values) * 2  # both in the model's bf16
    token = 2 * 8 * 128 * 2
    block = found.layout.block_size
    assert block % 16 == 0
    assert (block - 16) * token < state <= block * token


def test_tensor_parallel_splits_states_by_heads_and_copies_groups():
    name = "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"
    model = find_model(name)
    mamba = next(x for x in model.layers if x.attention == "ssm")
    assert (mamba.conv_groups, mamba.conv_group_values) == (8, 3 * 2 * 8 * 128)
    for t, groups in ((2, 8), (4, 8), (16, 16)):
        conv = 3 * (64 * 64 + 2 * groups * 128) // t * 2
        state = 64 * 64 * 128 // t * 4
        block = planned(name, tp=t).layout.block_size
        token = 2 * max(1, 2 // t) * 128 * 2
        assert (block - 16) * token < conv + state <= block * token


def test_smaller_pages_get_more_tokens_since_024_and_were_padded_before():
    layers = [attending(values=64), attending("sliding", 32, values=128)]
    new, old = (
        {g.kind: g.block_size for g in planned(toy(*layers), version=v).groups}
        for v in ((0, 24, 0), (0, 23, 0))
    )
    assert new == {"full_attention": 32, "sliding_window": 16}
    assert old == {"full_attention": 16, "sliding_window": 16}


def test_pages_that_do_not_divide_the_largest_are_padded():
    layers = [attending(values=48), attending("sliding", 32, values=128)]
    found = planned(toy(*layers))
    assert {g.block_bytes for g in found.groups} == {16 * 128 * 2}
    assert {g.block_size for g in found.groups} == {16}


def test_pipeline_stages_have_their_part_of_every_group():
    model = toy(*[attending(), attending("sliding", 32), attending("sliding", 32)] * 4)
    whole, halves = (planned(model, pp=pp) for pp in (1, 2))
    assert halves.layout.bytes_per_block == whole.layout.bytes_per_block // 2
    assert halves.blocks == 2 * whole.blocks
    assert len(halves.groups) == len(whole.groups) == 3


def test_decode_context_parallel_divides_what_a_rank_holds():
    name = "deepseek-ai/DeepSeek-V3"
    one, four = (planned(name, tp=8, dcp=dcp, max_model_len=100_000) for dcp in (1, 4))
    assert four.groups[0].blocks_per_request == -(-25_000 // 16)
    assert four.tokens == int(four.blocks / -(-25_000 // 16) * 100_000)
    assert four.tokens == pytest.approx(4 * one.tokens, rel=1e-3)
    refused = planned("google/gemma-3-27b-it", tp=2, dcp=2).unsupported
    assert "decode context parallel 2" in refused


def test_a_start_leaves_the_null_block_out_since_029():
    model = toy(*[attending()] * 2)
    block = 2 * 16 * 64 * 2
    for version, length in (((0, 28, 0), 160), ((0, 29, 0), 144)):
        found = planned(model, version=version, kv_cache_memory_bytes=10 * block, max_model_len=161)
        assert found.refused
        assert found.longest(1000) == length


def test_printed_tokens_before_and_since_0_20_1():
    name, settings = "google/gemma-3-27b-it", {"max_model_len": 8192}
    old = planned(name, version=(0, 20, 0), **settings)
    assert old.tokens == old.blocks // 7 * 16
    new = planned(name, version=(0, 20, 1), **settings)
    held = 512 + 6 * (-(-(1023 + 8192) // 16) + 1 if 1023 + 8192 < 8192 else 513)
    assert new.tokens == int(new.blocks / held * 8192)


def test_logged_hybrid_pools():
    """RTX PRO 6000: 16.03 GiB, 209,088 tokens; RTX 5090, vLLM 0.24, fp8: 6.01 GiB, 569,878."""
    name = "Qwen/Qwen3.5-35B-A3B"
    found = planned(
        name, "RTX PRO 6000 Blackwell", version=(0, 19, 0), kv_cache_memory_bytes=int(16.03 * GiB)
    )
    assert found.layout.block_size == 1056
    assert found.tokens == 209_088
    small = planned(
        name,
        "RTX 5090",
        version=(0, 24, 0),
        kv_dtype="fp8",
        prefix_caching=True,
        kv_cache_memory_bytes=int(6.01 * GiB),
        max_model_len=131_072,
    )
    assert small.tokens == 569_878


def test_a_model_that_vllm_dropped_names_the_last_version():
    refused = planned("MiniMaxAI/MiniMax-M1").unsupported
    assert "vLLM 0.33.0 does not run" in refused
    assert "expected 0.23.0" in refused
    assert not planned("MiniMaxAI/MiniMax-M1", version=(0, 23, 0)).unsupported


def test_a_block_size_that_the_kernels_do_not_take_is_said():
    found = planned("deepseek-ai/DeepSeek-V3", kv_dtype="fp8")
    assert found.layout.block_size == 64
    assert found.notes == ("vLLM uses blocks of 64 tokens for deepseek-ai/DeepSeek-V3, not 16",)
    assert planned("meta-llama/Llama-3.1-8B", block_size=32).layout.block_size == 32
