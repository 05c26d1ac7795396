"""A slot against blocks on demand: the worked figures, and sums that always hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz import ScenarioError, UnknownName, find_model
from kvviz.memory.comparison import Comparison, block_bytes, compare
from kvviz.memory.tables import free_list
from kvviz.settings.scenario import Scenario
from kvviz.units import MiB

MODELS = (
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "google/gemma-3-4b-it",
    "mistralai/Mistral-7B-v0.1",
    "deepseek-ai/DeepSeek-V3",
    "Qwen/Qwen3-Next-80B-A3B-Instruct",
)


def by_hand(model, tokens, block_size, number):
    """Return the bytes of one sequence's blocks, or of its tokens where blocks are 1 token."""
    total = 0
    for layer in find_model(model).layers:
        held = min(tokens, layer.window or tokens)
        size = layer.cached_values * number + layer.index_bytes
        total += -(-held // block_size) * block_size * size
    return total


def test_the_worked_figures():
    found = compare(Comparison())
    assert (found.traditional_memory_mb, found.paged_memory_mb, found.memory_saved_mb) == (
        44.0, 2.75, 41.25)  # fmt: skip
    assert found.memory_saved_percent == found.traditional_waste_percent == 93.75
    assert (found.blocks_used, found.num_blocks, found.wasted_tokens) == (8, 1024, 1920)
    assert [row.physical for row in found.blocks] == free_list(1024)[:8]


def test_what_the_older_report_printed_is_a_slot_of_1024_tokens():
    found = compare(Comparison(max_model_len=1024))
    shown = found.traditional_memory_mb, found.memory_saved_mb, found.memory_saved_percent
    assert shown == (22.0, 19.25, 87.5)
    assert found.wasted_tokens == 896


@given(st.data())
def test_both_ways_against_a_sum_layer_by_layer(data):
    model = data.draw(st.sampled_from(MODELS))
    slot = data.draw(st.integers(1, 10_000))
    tokens, size = data.draw(st.integers(1, slot)), data.draw(st.integers(1, 128))
    batch, dtype = data.draw(st.integers(1, 4)), data.draw(st.sampled_from(["bf16", "fp8"]))
    settings = Comparison(model=model, sequence_length=tokens, max_model_len=slot, block_size=size,
                          num_blocks=40_000, dtype=dtype, batch=batch)  # fmt: skip
    found, number = compare(settings), {"bf16": 2, "fp8": 1}[dtype]
    assert found.traditional_memory_mb * MiB == batch * by_hand(model, slot, 1, number)
    assert found.paged_memory_mb * MiB == batch * by_hand(model, tokens, size, number)
    saved = found.traditional_memory_mb - found.paged_memory_mb
    assert found.memory_saved_mb == pytest.approx(saved)
    assert found.blocks_used + found.blocks_free == found.num_blocks
    assert len(found.blocks) == found.blocks_used
    assert len({row.physical for row in found.blocks}) == found.blocks_used


@given(st.integers(1, 4096), st.integers(1, 64), st.integers(1, 300))
def test_the_pool_is_refused_exactly_when_it_is_too_small(tokens, size, pool):
    settings = Comparison(sequence_length=tokens, max_model_len=4096, block_size=size,
                          num_blocks=pool)  # fmt: skip
    if -(-tokens // size) <= pool:
        assert compare(settings).blocks_free >= 0
    else:
        with pytest.raises(ScenarioError, match="too small a pool"):
            compare(settings)


@pytest.mark.parametrize("model", MODELS)
def test_blocks_add_up_with_what_windowed_layers_hold(model):
    settings = Comparison(model=model, sequence_length=4096, max_model_len=4096)
    layers = find_model(model).layers
    most = max(layer.window or 4096 for layer in layers if layer.cached_values)
    short = sum(
        min(layer.window, 4096) * (layer.cached_values * 2 + layer.index_bytes)
        for layer in layers
        if layer.cached_values and layer.window and layer.window < most
    )
    found = compare(settings)
    assert found.blocks_used * block_bytes(settings) + short == found.paged_memory_mb * MiB


def test_what_contradicts_is_refused():
    with pytest.raises(ScenarioError, match="sequence_length 3,000 is longer than max_model_len"):
        compare(Comparison(sequence_length=3000))
    with pytest.raises(UnknownName, match=r"TinyLlama-1\.1B"):
        compare(Comparison(model="TinyLlama-2"))


def test_what_the_figures_do_not_say_is_a_warning():
    assert compare(Comparison()).warnings == []
    long = compare(Comparison(max_model_len=4096))
    assert "exceeds the 2,048 tokens that TinyLlama/" in long.warnings[0]
    windowed = compare(Comparison(model="mistralai/Mistral-7B-v0.1", sequence_length=8192,
                                  max_model_len=16_384))  # fmt: skip
    assert windowed.blocks_used == 4096 // 16
    assert windowed.warnings == ["every layer keeps only the last 4,096 tokens of a sequence"]


@pytest.mark.parametrize(
    ("mine", "scenarios"),
    [
        ("sequence_length", "context"),
        ("max_model_len", "max_model_len"),
        ("dtype", "kv_dtype"),
        ("block_size", "block_size"),
        ("batch", "batch"),
    ],
)
def test_a_setting_that_both_have_has_the_same_bounds(mine, scenarios):
    own, declared = Comparison.param[mine], Scenario.param[scenarios]
    assert getattr(own, "bounds", None) == getattr(declared, "bounds", None)
    assert list(getattr(own, "objects", [])) == list(getattr(declared, "objects", []))
