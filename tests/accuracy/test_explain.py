"""Start-up logs: real ones, every version's format, failed starts, and texts that are none."""

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvviz.accuracy.explain import explained
from kvviz.accuracy.resolve import Models
from kvviz.accuracy.startup_log import LogError, read_log, read_log_file
from kvviz.cli import main

CATALOG = Models({})
V05 = """
INFO 08-01 10:00:00 llm_engine.py:174] Initializing an LLM engine (v0.5.4) with config: \
model='meta-llama/Meta-Llama-3-8B-Instruct', speculative_config=None, dtype=torch.bfloat16, \
max_seq_len=8192, tensor_parallel_size=1, quantization=None, kv_cache_dtype=auto, seed=0)
INFO 08-01 10:00:10 model_runner.py:732] Loading model weights took 14.9595 GB
INFO 08-01 10:00:12 gpu_executor.py:102] # GPU blocks: 28084, # CPU blocks: 2048
"""
V06 = """
INFO worker.py:241] Memory profiling takes 2.10 seconds
INFO worker.py:241] the current vLLM instance can use total_gpu_memory (79.15GiB) x \
gpu_memory_utilization (0.90) = 71.24GiB
INFO worker.py:241] model weights take 14.99GiB; non_torch_memory takes 0.14GiB; PyTorch \
activation peak memory takes 1.23GiB; the rest of the memory reserved for KV Cache is 54.88GiB.
INFO executor_base.py:110] # cuda blocks: 28098, # CPU blocks: 2048
INFO executor_base.py:115] Maximum concurrency for 131072 tokens per request: 3.43x
"""
V08 = """
(EngineCore_0 pid=243) INFO 04-22 00:46:40 [core.py:58] Initializing a V1 LLM engine (v0.9.2) with \
config: model='meta-llama/Llama-3.1-8B-Instruct', dtype=torch.bfloat16, max_seq_len=8192, \
tensor_parallel_size=1, pipeline_parallel_size=1, quantization=None, kv_cache_dtype=auto
(EngineCore_0 pid=243) INFO 04-22 00:46:45 [gpu_model_runner.py:436] Model loading took 14.99 GiB \
and 4.2 seconds
(EngineCore_0 pid=243) INFO 04-22 00:46:50 [gpu_worker.py:436] Available KV cache memory: 54.87 GiB
(EngineCore_0 pid=243) INFO 04-22 00:46:50 [kv_cache_utils.py:436] GPU KV cache size: 449,488 tokens
(EngineCore_0 pid=243) INFO 04-22 00:46:50 [kv_cache_utils.py:440] Maximum concurrency for 8,192 \
tokens per request: 54.87x
(EngineCore_0 pid=243) INFO 04-22 00:46:59 [gpu_model_runner.py:1] Graph capturing finished in 20 \
secs, took 0.51 GiB
"""
SGLANG = """
[2025-01-01 10:00:00] server_args=ServerArgs(model_path='meta-llama/Llama-3.1-8B-Instruct', \
context_length=None, dtype='auto', quantization=None, mem_fraction_static=0.85, tp_size=1)
[2025-01-01 10:00:09 TP0] Load weight begin. avail mem=78.58 GB
[2025-01-01 10:00:19 TP0] Load weight end. type=LlamaForCausalLM, dtype=torch.bfloat16, \
avail mem=63.51 GB, mem usage=14.99 GB.
[2025-01-01 TP0] KV Cache is allocated. #tokens: 405,328, K size: 24.74 GB, V size: 24.74 GB
[2025-01-01 TP0] max_total_num_tokens=405328, chunked_prefill_size=8192, context_len=131072
"""


def read(text, **given):
    return explained(read_log(text), CATALOG, given)


def pair(found, name):
    entry = found.entry(name)
    return entry.predicted, entry.logged


def real(shared, start):
    path = next((shared / "validation" / "logs").glob(f"{start}*"))
    return explained(read_log_file(path), CATALOG)


@pytest.mark.parametrize(
    ("start", "logged"),  # GiB requested, weights, activations, non-PyTorch memory, cache; tokens
    [
        ("meta-llama", (75.23, 14.99, 1.89, 0.25, 58.11, 476_016)),
        ("microsoft", (75.23, 27.39, 1.52, 0.25, 46.08, 241_568)),
        ("moonshotai", (75.23, 15.53, 2.85, 2.07, 54.78, 1_890_896)),
        ("qwen", (75.23, 14.25, 2.21, 0.24, 58.53, 2_192_000)),
    ],
)
def test_real_logs_are_reconciled(shared, start, logged):
    found = real(shared, start)
    names = (
        "Requested",
        "Weights",
        "Activation peak",
        "Non-PyTorch memory",
        "KV cache",
        "KV tokens",
    )
    assert tuple(found.entry(name).logged for name in names) == logged
    for name in (*names[:2], *names[4:], "Concurrency", "KV blocks"):
        assert abs(found.entry(name).error) < 0.015, name
    assert abs(found.entry("Tokens from the logged KV cache").error) < 0.0005
    assert "it adds up" in found.sums
    assert found.failure == ""
    assert found.facts["gpu"] == "H100 SXM5 80GB"
    assert found.facts["engine_version"] == "0.19.0"
    assert found.entry("Weights").kind == "computed"
    assert found.entry("Activation peak").kind == "assumed"


def test_a_real_failed_start_says_why(shared):
    assert "does not know this model's architecture" in real(shared, "google").failure


def test_vllm_05():
    found = read(V05, gpu="A100-80GB")
    assert found.facts["model"] == "meta-llama/Meta-Llama-3-8B"
    assert pair(found, "KV blocks") == (pytest.approx(28_084, rel=0.01), 28_084)
    assert found.entry("Weights").mark == "good"
    assert any("the default, 0.9" in note for note in found.notes)


def test_vllm_06():
    found = read(V06, model="Llama-3.1-8B", engine_version="0.7.2")
    assert pair(found, "Requested") == (pytest.approx(71.24, abs=0.01), 71.24)
    assert found.entry("Non-PyTorch memory").logged == 0.14
    assert found.entry("KV tokens").logged == 28_098 * 16  # from 3.43 x 131,072 and the blocks
    assert found.entry("Tokens from the logged KV cache").mark == "good"
    assert "it adds up" in found.sums
    assert found.facts["gpu"] == "A100 SXM4 80GB"  # by its total


def test_vllm_06_results_on_one_line():
    line = (
        "Memory profiling results: duration=3.20 seconds, total_gpu_memory=23.58GiB, "
        "peak_torch_memory=17.06GiB, non_torch_memory=0.35GiB, kv_cache_size=3.81GiB, "
        "gpu_memory_utilization=0.90.\nLoading model weights took 14.9888 GB\n"
        "Maximum concurrency for 20000 tokens per request: 1.56x\n"
    )
    found = read(line, model="Llama-3.1-8B", engine_version="0.6.6")
    assert found.entry("Activation peak").logged == pytest.approx(2.0712)
    assert found.entry("Activation peak").mark in ("good", "near", "off")
    assert found.facts["gpu"] == "GeForce RTX 3090"
    other = line.replace("gpu_memory_utilization=0.90", "gpu_memory_utilization=0.85")
    assert read(other).facts["gpu_memory_utilization"] == "0.85"


@pytest.mark.parametrize("version", ["0.1.dev4927+geda5043", "dev"])
def test_a_build_without_a_version_has_none(version):
    found = read(V08.replace("v0.9.2", f"v{version}"), gpu="H100-80GB")
    assert any("rules of vLLM 0.19" in note for note in found.notes)
    assert found.entry("Activation peak").predicted == pytest.approx(
        read(V08.replace("v0.9.2", "v0.19.0"), gpu="H100-80GB").entry("Activation peak").predicted
    )


def test_the_older_engine_is_known_by_its_lines():
    new = read(V08.replace("v0.9.2", "v0.8.5"), gpu="A100-80GB").entry("Activation peak").predicted
    old = V08.replace("v0.9.2", "v0.8.5").replace("a V1 LLM", "a V0 LLM")
    seven = V08.replace("v0.9.2", "v0.7.3")
    assert read(old, gpu="A100-80GB").entry("Activation peak").predicted != new
    assert (
        read(old, gpu="A100-80GB").entry("Activation peak").predicted
        == read(seven, gpu="A100-80GB").entry("Activation peak").predicted
    )
    assert any("older engine" in note for note in read(V06, model="Llama-3.1-8B").notes)


def test_a_setting_left_to_the_engine_says_nothing():
    text = "non-default args: {'dtype': 'auto', 'max_model_len': -1, 'model': 'x'}\n" + V08
    found = read(text.replace("bfloat16", "float16"), gpu="H100-80GB")
    assert found.facts["dtype"] == "float16"
    assert found.facts["max_model_len"] == "8192"


def test_unsloths_own_lines_are_exact():
    found = read(
        "==((====))==  Unsloth 2025.6.2: Fast Llama patching. vLLM: 0.8.5.post1.\n"
        "   \\\\   /|    Tesla T4. Num GPUs = 1. Max memory: 14.741 GB. Platform: Linux.\n"
        "Unsloth: vLLM loading unsloth/Llama-3.2-3B-Instruct with actual GPU utilization = 59.35%\n"
        "Unsloth: Using conservativeness = 1.0. Chunked prefill tokens = 2048. "
        "Num Sequences = 192.\nUsing PunicaWrapperGPU.\n"
        "Initializing a V0 LLM engine (v0.8.5.post1) with config: "
        "model='unsloth/Llama-3.2-3B-Instruct', dtype=torch.float16, max_seq_len=2048\n"
        "Model loading took 6.2473 GiB and 3.47 seconds\nthe current vLLM instance can use "
        "total_gpu_memory (14.74GiB) x gpu_memory_utilization (0.59) = 8.75GiB\n"
        "model weights take 6.25GiB; non_torch_memory takes 0.03GiB; PyTorch activation peak "
        "memory takes 0.75GiB; the rest of the memory reserved for KV Cache is 1.74GiB.\n"
    )
    assert found.facts["gpu_memory_utilization"] == "0.5935"
    assert pair(found, "Requested") == (pytest.approx(8.75, abs=0.005), 8.75)
    assert pair(found, "Activation peak") == (pytest.approx(0.75, rel=0.05), 0.75)
    assert "LoRA" in found.entry("Weights").reason


def test_vllm_08_and_later():
    found = read(V08, gpu="H100-80GB")
    assert found.entry("KV tokens").logged == 449_488
    assert found.entry("KV cache").logged == 54.87
    assert found.facts["engine_version"] == "0.9.2"
    assert abs(found.entry("Tokens from the logged KV cache").error) < 1e-3


def test_graphs_count_where_the_release_takes_them_first():
    text = V08.replace("v0.9.2", "v0.21.0") + "Estimated CUDA graph memory: 1.39 GiB total\n"
    assert read(text, gpu="H100-80GB").entry("CUDA graphs").logged == 1.39
    assert read(V08, gpu="H100-80GB").entry("CUDA graphs") is None


def test_sglang():
    found = read(SGLANG, gpu="H100-80GB")
    assert found.facts["engine"] == "sglang"
    assert pair(found, "Weights") == (pytest.approx(14.99, abs=0.01), 14.99)
    assert found.entry("KV cache").logged == pytest.approx(49.48)
    assert abs(found.entry("Tokens from the logged KV cache").error) < 1e-3
    assert found.entry("Requested").predicted == pytest.approx(78.58 * 0.85, abs=0.01)


def test_sglangs_share_is_of_what_was_free_before_loading():
    """The figures of a start on four GPUs of 24 GB, and the path that its arguments name."""
    found = read(
        "server_args=ServerArgs(model_path='/root/.cache/huggingface/hub/models--Qwen--Qwen3-14B/"
        "snapshots/40c069824f', dtype='auto', tp_size=4, mem_fraction_static=0.8)\n"
        "[TP0] Load weight begin. avail mem=23.08 GB\n"
        "[TP0] Load weight end. type=Qwen3ForCausalLM, avail mem=16.00 GB, mem usage=7.08 GB.\n"
        "[TP0] KV Cache is allocated. #tokens: 298447, K size: 5.69 GB, V size: 5.69 GB\n"
    )
    assert found.facts["model"] == "Qwen/Qwen3-14B"
    assert found.entry("Requested").predicted - 7.08 == pytest.approx(11.38, abs=0.01)
    assert abs(found.entry("Tokens from the logged KV cache").error) < 1e-3
    assert found.entry("KV tokens").mark == "good"
    assert "the drop in free memory" in found.entry("Weights").reason


def test_sglang_without_its_first_line_or_its_usage():
    end = "Load weight end. elapsed=19.09 s, type=X, avail mem=230.20 GB"
    line = "KV Cache is allocated. dtype: torch.bfloat16, #tokens: 2235000, K size: 102.31 GB, "
    arguments = "server_args=ServerArgs(model_path='Qwen/Qwen3-30B-A3B', mem_fraction_static=0.911)"
    text = f"{arguments}\n{end}, mem usage=56.98 GB.\n{line}V size: 102.31 GB"
    found = read(text)
    assert found.entry("KV cache").predicted == pytest.approx(204.63, abs=0.2)
    log = read_log(f"Load weight begin. avail mem=287.18 GB\n{end}\n")
    assert log.weights_gib == pytest.approx(56.98)


def test_a_draft_model_loads_into_what_the_first_left():
    log = read_log(
        "\n".join(
            f"[{rank}] Load weight {part}"
            for part in ("begin. avail mem=78.6 GB", "end. avail mem=63.5 GB, mem usage=15.0 GB",
                         "begin. avail mem=10.1 GB", "end. avail mem=9.6 GB, mem usage=0.5 GB")
            for rank in ("TP0", "TP1")
        )
    )  # fmt: skip
    assert (log.weights_gib, log.free_before_gib) == (15.0, 78.6)


def test_sglang_sets_states_aside():
    found = read(
        "server_args=ServerArgs(model_path='Qwen/Qwen3-Next-80B-A3B-Instruct', tp_size=4, "
        "mem_fraction_static=0.85)\nLoad weight begin. avail mem=78.60 GB\n"
        "Mamba Cache is allocated. max_mamba_cache_size: 800, conv_state size: 0.20GB, "
        "ssm_state size: 13.66GB\nKV Cache is allocated. #tokens: 1346000, K size: 7.70 GB, "
        "V size: 7.70 GB\nLoad weight end. avail mem=41.05 GB, mem usage=37.55 GB\n"
    )
    states, cache = found.entry("Recurrent states"), found.entry("KV cache")
    assert states.predicted == pytest.approx(0.9 * cache.predicted)
    assert states.logged == pytest.approx(13.86)
    assert states.kind == "assumed"
    assert found.entry("KV cache").mark == "good"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (
            "Initial free memory 78.68 GiB, reserved 20.00 GiB memory for KV Cache as specified by "
            "kv_cache_memory_bytes config and skipped memory profiling.",
            "kv_cache_memory_bytes",
        ),
        (
            "Overriding num_gpu_blocks=27984 with num_gpu_blocks_override=2560",
            "num_gpu_blocks_override",
        ),
    ],
)
def test_a_cache_that_was_set_by_hand_says_so(line, name):
    small = V08.replace("449,488", "40,960").replace("54.87 GiB", "5.00 GiB")
    found = read(f"{small}{line}", gpu="H100-80GB")
    assert found.entry("KV tokens").reason == f"{name} sets the KV cache size"
    for usual in ("Namespace(kv_cache_memory_bytes=None)", "=0 with num_gpu_blocks_override=512"):
        assert read_log(f"{V08}args: {usual}").cap == ""


def test_it_tells_where_each_figure_stands():
    log = read_log(V06)
    lines = V06.splitlines()
    said = [lines[number - 1][start:end] for number, start, end in log.spans]
    assert said[:3] == ["79.15", "0.90", "71.24"]
    assert {"14.99", "0.14", "1.23", "54.88", "28098", "131072", "3.43"} <= set(said)


def test_the_tightest_rank_counts():
    lines = "\n".join(
        f"(VllmWorker rank={rank} pid=1) INFO Available KV cache memory: {gib} GiB"
        for rank, gib in enumerate((54.9, 54.1, 54.5))
    )
    assert read_log(lines).kv_cache_gib == 54.1
    text = (
        f"{lines}\nFree memory on device cuda:0 (78.45/79.19 GiB) on startup. Desired GPU memory "
        "utilization is (0.9, 71.27 GiB). Actual usage is 14.99 GiB for weight, 1.63 GiB for peak "
        "activation, 0.15 GiB for non-torch memory, and 0.51 GiB for CUDAGraph memory."
    )
    found = read(text, model="Llama-3.1-8B")
    assert "it adds up" in found.sums  # with the cache of the rank that these are of, 54.5
    assert found.facts["gpu"] == "H100 SXM5 80GB"
    assert read_log(text).captured_graphs_gib == 0.51


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("device_name=NVIDIA_H100_80GB_HBM3.json", "H100 SXM5 80GB"),
        ("device_name=AMD_Instinct_MI300X_OAM.json", "Instinct MI300X"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("NVIDIA A100-PCIE-40GB", "A100 PCIe 40GB"),
    ],
)
def test_a_device_named_anywhere(said, name):
    assert read(f"{V08}Config file not found at E=8,N=1,{said}").facts["gpu"] == name


def test_what_the_user_knows_better_wins():
    text = V08.replace("Llama-3.1-8B-Instruct", "served-as-something")
    assert any("no config of" in note for note in read(text).notes)
    found = read(text, model="Llama-3.1-8B", gpu="L40S", tp=2, gpu_memory_utilization=0.8)
    assert found.facts["model"] == "meta-llama/Llama-3.1-8B"
    assert found.entry("Weights").predicted == pytest.approx(7.51, abs=0.01)
    assert found.facts["gpu_memory_utilization"] == "0.8"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "ValueError: No available memory for the cache blocks. Try increasing "
            "`gpu_memory_utilization` when initializing the engine.",
            "no KV cache block is left",
        ),
        (
            "ValueError: The model's max seq len (131072) is larger than the maximum number of "
            "tokens that can be stored in KV cache (23648). Try increasing",
            "max_model_len of at most 23,648",
        ),
        (
            "ValueError: To serve at least one request with the models's max seq len (29000), "
            "(3.54 GiB KV cache is needed, which is larger than the available KV cache memory "
            "(2.89 GiB). Based on the available memory, the estimated maximum length is 23648",
            "needs 3.54 GiB of KV cache, and only 2.89 GiB are available, about 23,",
        ),
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a "
            "total capacity of 23.58 GiB of which 1.06 GiB is free.",
            "could not allocate another 2.00 GiB",
        ),
        (
            "ValueError: Free memory on device (10.2/79.19 GiB) on startup is less than desired "
            "GPU memory utilization (0.9, 71.27 GiB).",
            "another process is using the rest",
        ),
        (
            "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static",
            "leave no",
        ),
        ("ValueError: Bfloat16 is only supported on GPUs with compute capability of 8.0", "dtype"),
    ],
)
def test_failed_starts_are_explained(line, words):
    found = read(line, model="Llama-3.1-8B", gpu="RTX 3090")
    assert words in found.failure
    assert len(found.failure.splitlines()) == 1


@pytest.mark.parametrize("text", ["", "hello", "{}", "INFO nothing to see\n" * 50, "\x00\xff"])
def test_a_text_without_a_known_line_is_an_error(text):
    with pytest.raises(LogError, match="SGLang or vLLM start-up line"):
        read_log(text)


@given(
    st.lists(st.sampled_from([*V05.splitlines(), *V06.splitlines(), *V08.splitlines()])), st.text()
)
def test_lines_in_any_order_between_any_others(lines, noise):
    text = f"\n{noise}\n".join(["GPU KV cache size: 449,488 tokens", *lines])
    found = read(text, gpu="H100-80GB")
    assert found.entry("KV tokens").logged == 449_488


@pytest.fixture
def run(capsys, tmp_path):
    """Return a function from a log's text and arguments to (exit code, stdout, stderr)."""

    def call(text, *arguments):
        path = tmp_path / "start.log"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(SystemExit) as stopped:
            main(["explain", str(path), *arguments])
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    return call


def test_the_command_prints_a_table_and_json(run):
    code, out, _ = run(V08, "--gpu", "H100-80GB")
    assert code == 0
    for words in ("Weights", "14.99 GiB", "449,488", "computed", "assumed", "the default, 0.9"):
        assert words in out
    code, out, _ = run(V08, "--gpu", "H100-80GB", "--utilization", "0.92", "--json")
    told = json.loads(out)
    assert code == 0
    assert {entry["name"] for entry in told["entries"]} >= {"Weights", "KV cache", "Concurrency"}
    assert told["facts"]["gpu_memory_utilization"] == "0.92"


def test_a_config_of_ones_own(run, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"model_type": "llama", "hidden_size": 1}))
    code, _, err = run(V08, "--config", str(config))
    assert code == 2
    assert "vocab_size" in err


@pytest.mark.parametrize("text", ["", "no known line"])
def test_a_log_without_any_known_line_is_one_sentence(run, text):
    code, out, err = run(text)
    assert (code, out) == (2, "")
    assert "SGLang or vLLM start-up line" in err
    assert len(err.splitlines()) == 1


def test_stdin_and_a_missing_file(capsys, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(V08))
    with pytest.raises(SystemExit) as stopped:
        main(["explain", "-", "--gpu", "H100-80GB", "--json"])
    assert not stopped.value.code
    assert json.loads(capsys.readouterr().out)["facts"]["engine"] == "vllm"
    with pytest.raises(SystemExit) as stopped:
        main(["explain", "/nowhere/start.log"])
    assert stopped.value.code == 2
    assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "piece",
    [
        "load weight end. ",
        "#tokens: 1 ",
        "█ ",
        "memory profiling results: ",
        "max_seq_len=",
        "9,9,",
    ],
)
def test_a_hostile_text_is_read_in_time(piece):
    text = (piece * 20_000)[:200_000]
    start = time.perf_counter()
    with contextlib.suppress(LogError):
        read(text + "\nGPU KV cache size: 1 tokens")
    assert time.perf_counter() - start < 5
