"""What vLLM takes besides weights and KV cache, and the settings it takes by default."""

import pytest

from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.models.shipped import find_model
from kvviz.engines.vllm.budget import activation_gib, non_torch_gib
from kvviz.engines.vllm.releases import (
    NEWEST,
    default_batch,
    default_utilization,
    release,
    running_version,
)
from kvviz.settings.version import read_version
from kvviz.units import GiB

H100 = (85_029_615_042, "H100 SXM5 80GB")


@pytest.mark.parametrize(
    ("name", "t", "version", "gib"),  # "torch peak memory increase", H100
    [
        ("meta-llama/Llama-3.1-8B", 1, (0, 19, 0), 1.89),
        ("meta-llama/Llama-3.1-70B", 4, (0, 19, 0), 1.97),
        ("Qwen/Qwen2.5-7B", 2, (0, 19, 0), 2.21),
        ("microsoft/phi-4", 1, (0, 19, 0), 1.52),
        ("google/gemma-2-2b-it", 1, (0, 19, 0), 3.62),
        ("mistralai/Mixtral-8x7B-v0.1", 2, (0, 19, 0), 1.21),  # the forward pass, not the logits
        ("deepseek-ai/DeepSeek-V2-Lite", 1, (0, 19, 0), 1.93),
        ("meta-llama/Llama-3.1-8B", 1, (0, 15, 0), 4.76),
        ("Qwen/Qwen3-14B", 1, (0, 15, 0), 5.64),  # a log that no constant was fitted on
        ("Qwen/Qwen3-14B", 1, (0, 17, 0), 2.23),
    ],
)
def test_activation_peaks_as_logged(name, t, version, gib):
    found = activation_gib(find_model(name), default_batch(*H100, version)[0], t, version)
    assert found == pytest.approx(gib, abs=0.08)


def test_a_forward_pass_before_chunked_prefill_grows_with_the_prompt():
    model = find_model("meta-llama/Llama-3.1-8B")
    peaks = []
    for length, gib in ((20_000, 17.06 - 14.99), (29_000, 17.98 - 14.99)):  # RTX 3090, vLLM 0.6
        batch = default_batch(25_318_832_209, "GeForce RTX 3090", (0, 6, 0), length)[0]
        assert batch.tokens == length
        peaks.append(activation_gib(model, batch, 1, (0, 6, 0)))
        assert peaks[-1] == pytest.approx(gib, rel=0.17)
    per_token = (peaks[1] - peaks[0]) * GiB / 9000
    assert per_token == pytest.approx((2.99 - 2.07) * GiB / 9000, rel=0.1)


def batch(memory, name, version=NEWEST, length=8192, family=""):
    found = default_batch(memory, name, version, length, family)[0]
    return found.tokens, found.sequences


def test_batch_settings_by_version_and_gpu():
    b200 = (find_gpu("B200 SXM").cuda_bytes, "B200 SXM")
    assert batch(*H100) == batch(*H100, (0, 19, 0)) == (8192, 1024)
    assert batch(84_986_665_369, "A100 SXM4 80GB") == (2048, 256)
    assert batch(25_250_627_584, "GeForce RTX 4090") == (2048, 256)
    assert (batch(*b200), batch(*b200, (0, 27, 0))) == ((16_384, 1024), (8192, 1024))
    assert batch(*H100, (0, 6, 0), 131_072) == (2048, 256)
    assert batch(206_145_003_520, "Instinct MI300X", (0, 6, 0), 131_072)[0] == 131_072
    # Never more tokens than all sequences have, nor more sequences than tokens.
    assert batch(*H100, length=2) == (2048, 1024)
    assert batch(25_250_627_584, "GeForce RTX 4090", family="gemma4") == (2496, 256)


def test_the_older_engine_runs_on_older_gpus():
    turing, ampere = find_gpu("T4"), find_gpu("A100 SXM4 80GB")
    assert running_version((0, 8, 0), turing) < (0, 8, 0) <= running_version((0, 8, 0), ampere)
    assert running_version((0, 12, 0), turing) == (0, 12, 0)
    assert running_version((0, 9, 0), ampere, older_core=True) < (0, 8, 0)


def test_constants_follow_the_release():
    assert release((0, 12, 0)).logit_bytes > release((0, 19, 0)).logit_bytes
    assert non_torch_gib(1) < non_torch_gib(2)
    assert [default_utilization((0, minor, 0)) for minor in (19, 20, 33)] == [0.9, 0.92, 0.92]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v0.16.1rc1.dev111", (0, 16, 1)),
        ("0.33", (0, 33, 0)),
        ("0.1.dev4927", None),
        ("nightly", None),
    ],
)
def test_versions_are_read(text, version):
    assert read_version(text) == version
