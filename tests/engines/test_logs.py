"""What engines read in their own start-up logs: typed values with units, and why a start failed."""

import pytest

from kvviz.accuracy.startup_log import read_log, read_log_file
from kvviz.engines.fields import typed
from kvviz.engines.logged import LoggedRun
from kvviz.engines.registry import engine_called, engines, find_engine

VLLM = """
INFO [core.py:58] Initializing a V1 LLM engine (v0.16.1rc1.dev111) with config: \
model='Qwen/Qwen3-8B', dtype=torch.bfloat16, max_seq_len=8192, tensor_parallel_size=2, \
quantization=None, kv_cache_dtype=fp8, enforce_eager=True
INFO total_gpu_memory (79.15GiB) x gpu_memory_utilization (0.90) = 71.24GiB
INFO Model loading took 14.99 GiB and 4.2 seconds
INFO Estimated CUDA graph memory: 1.39 GiB total
INFO (rank=0) Available KV cache memory: 54.87 GiB
INFO (rank=1) Available KV cache memory: 54.17 GiB
INFO GPU KV cache size: 449,488 tokens
INFO Maximum concurrency for 8,192 tokens per request: 54.87x
"""
SGLANG = """
server_args=ServerArgs(model_path='Qwen/Qwen3-8B', tp_size=1, mem_fraction_static=0.85)
[TP0] Load weight begin. avail mem=78.58 GB
[TP0] Load weight end. type=Qwen3ForCausalLM, avail mem=63.51 GB
[TP0] KV Cache is allocated. #tokens: 405,328, K size: 24.74 GB, V size: 24.74 GB
[TP0] max_total_num_tokens=405328, chunked_prefill_size=8192, context_len=131072
"""


def vllm(log: str) -> LoggedRun:
    found = find_engine("vllm").read(log)
    assert found is not None
    return found


def test_vllm_reads_its_own_log() -> None:
    run = vllm(VLLM)
    assert (run.engine, run.engine_version) == ("vllm", "0.16.1rc1.dev111")
    assert (run.model, run.dtype, run.quantization) == ("Qwen/Qwen3-8B", "bfloat16", "")
    assert (run.kv_dtype, run.tp, run.pp, run.eager) == ("fp8", 2, None, True)
    assert (run.total_gpu_memory_gib, run.requested_gib) == (79.15, 71.24)
    assert (run.gpu_memory_utilization, run.weights_gib) == (0.9, 14.99)
    assert (run.cuda_graphs_gib, run.activation_peak_gib) == (1.39, None)
    assert (run.kv_cache_gib, run.kv_cache_of_ranks) == (54.17, (54.87, 54.17))
    assert (run.kv_tokens, run.max_concurrency, run.concurrency_at) == (449_488, 54.87, 8192)
    assert isinstance(run.kv_tokens, int)
    assert not run.unread
    assert run.failure is None


def test_sglang_reads_its_own_log() -> None:
    run = find_engine("sglang").read(SGLANG)
    assert run is not None
    assert (run.engine, run.model, run.tp) == ("sglang", "Qwen/Qwen3-8B", 1)
    assert run.weights_gib == pytest.approx(78.58 - 63.51)  # the drop in free memory
    assert run.kv_cache_gib == pytest.approx(49.48)
    assert (run.kv_tokens, run.max_model_len) == (405_328, 131_072)
    assert (run.gpu_memory_utilization, run.free_before_gib) == (0.85, 78.58)


def test_a_log_of_another_engine_is_not_read() -> None:
    assert find_engine("sglang").read(VLLM) is None
    assert find_engine("vllm").read(SGLANG) is None
    assert all(engine.read("nothing to see\n" * 9) is None for engine in engines().values())
    assert find_engine("textbook").read(VLLM + SGLANG) is None


def test_a_setting_that_is_no_value_is_unread() -> None:
    run = vllm(VLLM.replace("tensor_parallel_size=2", "tensor_parallel_size=<b>"))
    assert run.tp is None
    assert run.unread == {"tp": "tp is '<b>', not a number"}


def test_what_sets_the_cache_by_hand_and_lora_are_signs() -> None:
    log = f"{VLLM}num_gpu_blocks=27984 with num_gpu_blocks_override=2560\nPunicaWrapperGPU\n"
    assert vllm(log).cap == "num_gpu_blocks_override sets the KV cache size"
    assert vllm(log).lora
    assert not vllm(VLLM).lora


@pytest.mark.parametrize(
    ("engine", "line", "cause", "values"),
    [
        ("vllm", "ValueError: No available memory for the cache blocks.", "no_blocks", {}),
        (
            "vllm",
            "max seq len (131072) is larger than the maximum number of tokens that can be stored "
            "in KV cache (23,648)",
            "sequence_too_long",
            {"length": 131_072, "tokens": 23_648},
        ),
        (
            "vllm",
            "max seq len (29000), (3.54 GiB KV cache is needed, which is larger than the available "
            "KV cache memory (2.89 GiB)",
            "cache_too_small",
            {"length": 29_000, "needed_gib": 3.54, "free_gib": 2.89},
        ),
        (
            "vllm",
            "Free memory on device cuda:0 (10.2/79.19 GiB) on startup is less than desired",
            "taken_by_others",
            {"free_gib": 10.2, "total_gib": 79.19},
        ),
        (
            "sglang",
            "CUDA out of memory. Tried to allocate 512.00 MiB.",
            "out_of_memory",
            {"needed_gib": 0.5},
        ),
        ("sglang", "Not enough memory. Please try to increase", "share_too_small", {}),
        ("vllm", "larger than the available KV cache memory", "unnamed", {}),
    ],
)
def test_a_failing_line_is_a_value(
    engine: str, line: str, cause: str, values: dict[str, float]
) -> None:
    failure = find_engine(engine).failure(line)
    assert failure is not None
    assert (failure.cause, failure.line) == (cause, line)
    assert {name: getattr(failure, name) for name in values} == values
    assert find_engine(engine).failure("INFO all is well") is None
    assert find_engine("textbook").failure(line) is None


def test_texts_are_typed_once() -> None:
    found = typed({"tp": "2", "kv_tokens": "1,024", "weights_gib": "14.99", "other": "x"})
    assert found == {"tp": 2, "kv_tokens": 1024, "weights_gib": 14.99, "unread": {}}
    wrong = typed({"tp": "1.5", "kv_tokens": "0.5", "weights_gib": "much", "pp": "0"})
    assert wrong == {
        "unread": {
            "tp": "tp is 1.5, not a whole number of at least 1",
            "kv_tokens": "kv_tokens is 0.5, not a whole number",
            "weights_gib": "weights_gib is 'much', not a number",
            "pp": "pp is 0, not a whole number of at least 1",
        }
    }


@pytest.mark.parametrize(
    ("text", "name"),
    [("vLLM 0.9", "vllm"), ("SG-Lang", "sglang"), ("trtllm", None), ("textbook", None)],
)
def test_an_engine_in_a_free_text(text: str, name: str | None) -> None:
    found = engine_called(text)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("name", "field", "wanted"),
    [
        ("vllm033_plain", "activation_peak_gib", 1.92),
        ("sglang0523_hybrid_swa", "kv_cache_gib", 49.44),
    ],
)
def test_figures_of_todays_lines_are_read(shared, name, field, wanted):
    run = read_log((shared / f"logs/{name}.log").read_text())
    assert getattr(run, field) == wanted


def test_a_log_in_utf_16_reads_as_in_utf_8(shared, tmp_path):
    found = read_log_file(shared / "logs/vllm033_utf16.log")
    (tmp_path / "utf8.log").write_text((shared / "logs/vllm033_utf16.log").read_text("utf-16"))
    assert found == read_log_file(tmp_path / "utf8.log")
    assert found.model is not None
