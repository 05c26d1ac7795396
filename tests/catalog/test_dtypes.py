"""How many bytes numbers and weights take, group scales included."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.catalog.dtypes import CACHE_DTYPES, DTYPES, storage_bytes, width
from kvviz.memory import estimate
from kvviz.settings.scenario import Scenario

WIDTHS = {"fp32": 4, "bf16": 2, "fp16": 2, "fp8": 1, "int8": 1}


def test_a_number_of_each_plain_dtype():
    assert {name: width(name) for name in WIDTHS} == WIDTHS
    assert set(DTYPES) == {*WIDTHS, "int4", "mxfp4"}
    assert set(CACHE_DTYPES) == set(WIDTHS)


@given(st.integers(0, 3000), st.sampled_from(DTYPES))
def test_storage_number_by_number(count, dtype):
    group, scale = {"int4": (128, 2), "mxfp4": (32, 1)}.get(dtype, (1, 0))
    nibbles = sum(2 * WIDTHS.get(dtype, 0.5) for _ in range(count))
    scales = sum(scale for first in range(count) if first % group == 0)
    assert storage_bytes(count, dtype) == int(nibbles + 1) // 2 + scales


def test_an_unknown_dtype_is_an_error():
    with pytest.raises(KeyError):
        storage_bytes(1, "fp7")


# Llama-3.1-8B: 32 layers of 218,103,808 numbers in matrices, 6,979,321,856 in all; the other
# 1,050,939,392 (embedding, head, norms) stay in bf16: 2,101,878,784 B.
@pytest.mark.parametrize(
    ("dtype", "matrices"),
    [
        ("native", 13_958_643_712),
        ("fp32", 27_917_287_424),
        ("fp16", 13_958_643_712),
        ("fp8", 6_979_321_856),
        ("int8", 6_979_321_856),
        ("int4", 3_489_660_928 + 2 * 54_525_952),  # half, and 2 B for each 128
        ("mxfp4", 3_489_660_928 + 218_103_808),  # half, and 1 B for each 32
    ],
)
def test_a_weights_dtype_holds_for_matrices_alone(dtype, matrices):
    report = estimate(Scenario(weights_dtype=dtype))
    assert report.weights_bytes == matrices + 2_101_878_784
    assert report.kv_bytes_per_token == 131_072


@pytest.mark.parametrize(
    ("model", "native", "bf16"),
    [  # fp8 matrices; mxfp4 experts
        ("deepseek-ai/DeepSeek-V3", 672_987_258_880, 1_342_052_838_400),
        ("openai/gpt-oss-120b", 65_248_815_744, 233_658_313_344),
    ],
)
def test_a_named_dtype_overrides_the_checkpoints_quantization(model, native, bf16):
    found = estimate(Scenario(model=model)).weights_bytes
    assert found == native
    assert estimate(Scenario(model=model, weights_dtype="bf16")).weights_bytes == bf16


@pytest.mark.parametrize(
    ("dtype", "number"), [("auto", 2), ("bf16", 2), ("fp16", 2), ("fp32", 4), ("fp8", 1)]
)
def test_cache_dtypes(dtype, number):
    assert estimate(Scenario(kv_dtype=dtype)).kv_bytes_per_token == 65_536 * number
    # An indexer's keys, 128 B and a scale in each of 61 layers, stay in fp8.
    found = estimate(Scenario(model="DeepSeek-V3.2", kv_dtype=dtype)).kv_bytes_per_token
    assert found == 61 * (576 * number + 132)


def test_an_fp8_cache_leaves_scores_and_state_as_they_are():
    pair = [estimate(Scenario(model="Qwen3-Next-80B-A3B-Instruct", kv_dtype=d)) for d in WIDTHS]
    assert len({(report.state_bytes, report.scores["avoided_bytes"]) for report in pair}) == 1
    assert len({report.kv["allocated_bytes"] for report in pair}) == 3
