"""The lines that vLLM 0.5 to 0.3x prints at its start, and what they mean."""

import re
from typing import Final

from kvviz.engines.failures import OF_LIBRARIES, failure_lines
from kvviz.engines.lines import OF_PYTORCH, Figures, Lines, Settings, figures

ROUNDED: Final = 0.006  # rounding of a fraction logged with two decimals
BY_HAND: Final = "{} sets the KV cache size"

FIGURES: Final = figures(
    (r"loading model weights took <size>", "weights_gib"),
    (r"model loading took <size>", "weights_gib"),
    (r"# (?:gpu|cuda|rocm|xpu|hpu) blocks: <n>", "gpu_blocks"),
    (r"initialization after num_gpu_blocks is: <n>", "gpu_blocks"),
    (
        r"maximum concurrency for <n> tokens per request: <n>x",
        "concurrency_at max_concurrency",
    ),
    (
        r"total_gpu_memory \(<size>\) x gpu_memory_utilization \(<n>\) = <size>",
        "total_gpu_memory_gib gpu_memory_utilization requested_gib",
    ),
    (r"model weights take <size>", "weights_gib"),
    (r"non_torch_memory takes <size>", "non_torch_gib"),
    (r"activation peak memory takes <size>", "activation_peak_gib"),
    (r"reserved for kv cache is <size>", "kv_cache_gib"),
    (r"total_gpu_memory=<size>", "total_gpu_memory_gib"),
    (r"peak_torch_memory=<size>", "torch_peak_gib"),
    (r"memory profiling results:.{0,400}?\bnon_torch_memory=<size>", "non_torch_gib"),
    (
        r"memory profiling results:.{0,400}?\bgpu_memory_utilization=<n>",
        "gpu_memory_utilization",
    ),
    (r"kv_cache_size=<size>", "kv_cache_gib"),
    (r"available kv cache memory: (-?\d[\d,]{0,17}(?:\.\d{1,12})?)\s?Gi?B", "kv_cache_gib"),
    (r"reserved <size> memory for kv cache", "kv_cache_gib"),
    (r"gpu kv cache size: <n> tokens", "kv_tokens"),
    (r"estimated cuda graph memory: <size>", "cuda_graphs_gib"),
    (r"graph capturing finished in <n> secs, took <size>", "capture_s captured_graphs_gib"),
    (r"total_memory=<size>", "total_gpu_memory_gib"),
    (r"requested memory: <n> \(util\), <size>", "gpu_memory_utilization requested_gib"),
    (r"\butilization (?:is )?\(<n>, <size>\)", "gpu_memory_utilization requested_gib"),
    (r"torch peak memory increase: <size>", "activation_peak_gib"),
    (r"non-torch forward increase memory: <size>", "non_torch_gib"),
    (r"\bweights memory: <size>", "weights_gib"),
    (
        r"free memory on device[^(]{0,20} \(<n>/<size>\)",
        "free_before_gib total_gpu_memory_gib",
    ),
    (r"<size> for weight, <size> for peak activation", "weights_gib activation_peak_gib"),
    (r"\(weights \+ non-torch\), <size> for peak activation", "activation_peak_gib"),
    (r"<size> for non-torch memory", "non_torch_gib"),
    (r"<size> for cudagraph memory", "captured_graphs_gib"),
    (r"using max model len <n>", "concurrency_at"),
    (r"max_num_batched_tokens(?: to |=)<n>", "max_num_batched_tokens"),
    (r"max_num_seqs(?: to |=)<n>", "max_num_seqs"),
    (r"setting attention block size to <n> tokens", "attention_block"),
    # Unsloth, which runs vLLM
    (r"max memory: <size>", "total_gpu_memory_gib"),
    (r"actual gpu utilization = <n>%", "utilization_percent"),
    (
        r"chunked prefill tokens = <n>\. num sequences = <n>",
        "max_num_batched_tokens max_num_seqs",
    ),
)
SETTINGS: Final = Settings(
    re.compile(r"llm engine \(v|non-default args|\bargs: ?namespace|engine_args", re.IGNORECASE),
    {
        "model": "model",
        "model_tag": "model",
        "dtype": "dtype",
        "quantization": "quantization",
        "kv_cache_dtype": "kv_dtype",
        "tensor_parallel_size": "tp",
        "pipeline_parallel_size": "pp",
        "max_seq_len": "max_model_len",
        "max_model_len": "max_model_len",
        "gpu_memory_utilization": "gpu_memory_utilization",
        "block_size": "block_size",
        "enforce_eager": "eager",
    },
)
VERSIONS: Final = (
    re.compile(r"LLM engine \(v([\w.+]+)\)"),
    re.compile(r"vLLM API server version v?(\d[\w.+]*)"),
    re.compile(r"[█▀▄].{0,100}?\bversion v?(\d[\w.+]*)"),
    re.compile(r"\bvllm(?:==| version:? | v)(\d+\.\d[\w.+]*)", re.IGNORECASE),
)
SIGNS: Final = (
    (
        re.compile(
            r"a V0 LLM engine|reserved for KV Cache is"
            r"|# (?:gpu|cuda|rocm) blocks: \d+, # CPU blocks",
            re.IGNORECASE,
        ),
        "older_core",
        True,
    ),
    (
        re.compile(r"kv_cache_memory_bytes(?:['\"]?\s*[=:]\s*\d| config)"),
        "cap",
        BY_HAND.format("kv_cache_memory_bytes"),
    ),
    (  # 0 blocks: a temporary override while graphs are measured
        re.compile(r"num_gpu_blocks=[1-9]\d* with num_gpu_blocks_override|blocks_override': \d"),
        "cap",
        BY_HAND.format("num_gpu_blocks_override"),
    ),
    (re.compile(r"PunicaWrapper(?!CPU)|enable_lora['\"]?\s*[=:]\s*True"), "lora", True),
)
# Without `own`: lines of PyTorch or Transformers alone are most likely from vLLM.
LINES: Final = Lines(
    (*FIGURES, *OF_PYTORCH),
    SETTINGS,
    tuple(("engine_version", version) for version in VERSIONS),
    SIGNS,
)
FAILURES: Final = (
    *failure_lines(
        ("no_blocks", r"no available memory for the cache blocks", ""),
        (
            "sequence_too_long",
            r"max seq len \(?<n>\)?.{0,200}larger than the maximum number of tokens that can be "
            r"stored in KV cache \(?<n>",
            "length tokens",
        ),
        (
            "cache_too_small",
            r"max seq len \(?<n>\)?.{0,100}?<size>.{0,100}larger than the available kv cache "
            r"memory \(?<size>",
            "length needed_gib free_gib",
        ),
        (
            "taken_by_others",
            r"free memory on device[^(]{0,40}\(<n>/<n>[^)]{0,40}\).{0,60}less than desired",
            "free_gib total_gib",
        ),
        ("unnamed", r"larger than the maximum number of tokens that can be stored", ""),
        ("unnamed", r"larger than the available kv cache memory", ""),
        ("unnamed", r"less than desired gpu memory utilization", ""),
        ("unsupported_dtype", r"only supported on gpus with compute capability", ""),
    ),
    *OF_LIBRARIES,
)


def derived(said: Figures) -> Figures:
    """Return the figures, with those that follow from others."""
    found = dict(said)
    share = found.get("utilization_percent", 0) / 100
    if share and abs(share - found.get("gpu_memory_utilization", share)) < ROUNDED:
        found["gpu_memory_utilization"] = share
    if "torch_peak_gib" in found and "weights_gib" in found:  # 0.6: the peak includes the weights
        found.setdefault("activation_peak_gib", found["torch_peak_gib"] - found["weights_gib"])
    if "total_gpu_memory_gib" in found and "gpu_memory_utilization" in found:
        requested = found["total_gpu_memory_gib"] * found["gpu_memory_utilization"]
        found.setdefault("requested_gib", requested)
    asked = found.get("max_concurrency", 0) * found.get("concurrency_at", 0)
    if found.get("gpu_blocks") and asked:  # before 0.8 the tokens follow from whole blocks
        block = round(asked / found["gpu_blocks"])
        found.setdefault("kv_tokens", found["gpu_blocks"] * block)
    return found
