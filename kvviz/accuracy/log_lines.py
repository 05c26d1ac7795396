"""The lines that vLLM 0.5 to 0.3x and SGLang print at their start, as patterns."""

import re
from typing import Final

NUMBER: Final = r"(\d(?:[\d,]{0,17}\d)?(?:\.\d{1,12})?)"
SIZE: Final = NUMBER + r"\s?Gi?B"


def _pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern in which ``<size>`` and ``<n>`` stand for numbers."""
    return re.compile(text.replace("<size>", SIZE).replace("<n>", NUMBER), re.IGNORECASE)


# Lines with sizes and counts: the pattern, and what its groups are.
NUMBERS: Final = tuple(
    (_pattern(text), tuple(names.split()))
    for text, names in (
        # vLLM, every version
        (r"loading model weights took <size>", "weights"),
        (r"model loading took <size>", "weights"),
        (r"# (?:gpu|cuda|rocm|xpu|hpu) blocks: <n>", "blocks"),
        (r"initialization after num_gpu_blocks is: <n>", "blocks"),
        (r"maximum concurrency for <n> tokens per request: <n>x", "length concurrency"),
        (
            r"total_gpu_memory \(<size>\) x gpu_memory_utilization \(<n>\) = <size>",
            "total utilization requested",
        ),
        (r"model weights take <size>", "weights"),
        (r"non_torch_memory takes <size>", "non_torch"),
        (r"activation peak memory takes <size>", "activation"),
        (r"reserved for kv cache is <size>", "kv_budget"),
        (r"total_gpu_memory=<size>", "total"),
        (r"peak_torch_memory=<size>", "torch_peak"),
        (r"memory profiling results:.{0,400}?\bnon_torch_memory=<size>", "non_torch"),
        (r"memory profiling results:.{0,400}?\bgpu_memory_utilization=<n>", "utilization"),
        (r"kv_cache_size=<size>", "kv_budget"),
        (r"available kv cache memory: (-?[\d.,]+)\s?Gi?B", "kv_budget"),
        (r"reserved <size> memory for kv cache", "kv_budget"),
        (r"gpu kv cache size: <n> tokens", "tokens"),
        (r"estimated cuda graph memory: <size>", "graphs"),
        (r"graph capturing finished in <n> secs, took <size>", "capture graphs_taken"),
        (r"total_memory=<size>", "total"),
        (r"requested memory: <n> \(util\), <size>", "utilization requested"),
        (r"\butilization (?:is )?\(<n>, <size>\)", "utilization requested"),
        (r"torch peak memory increase: <size>", "activation"),
        (r"non-torch forward increase memory: <size>", "non_torch"),
        (r"\bweights memory: <size>", "weights"),
        (r"free memory on device[^(]{0,20} \(<n>/<size>\)", "free total"),
        (r"<size> for weight, <size> for peak activation", "weights activation"),
        (r"<size> for non-torch memory", "non_torch"),
        (r"<size> for cudagraph memory", "graphs_taken"),
        (r"using max model len <n>", "length"),
        (r"max_num_batched_tokens(?: to |=)<n>", "max_num_batched_tokens"),
        (r"max_num_seqs(?: to |=)<n>", "max_num_seqs"),
        (r"setting attention block size to <n> tokens", "block"),
        # SGLang
        (r"load weight begin\..{0,300}?avail mem=<size>", "free"),
        (r"load weight end\..{0,300}?avail mem=<size>", "free_after"),
        (r"load weight end\..{0,300}?mem usage=<size>", "weights"),
        (r"#tokens: <n>", "tokens"),
        (r"\bk size: <size>, v size: <size>", "k_size v_size"),
        (r"#tokens: .{0,200}?\bkv size: <size>", "kv_budget"),
        (r"max_total_num_tokens=<n>", "tokens"),
        (r"\bcontext_len=<n>", "length"),
        (r"capture cuda graph end\..{0,200}?mem usage=<size>", "graphs_taken"),
        (r"conv_state size: <size>", "conv_state"),
        (r"ssm_state size: <size>", "ssm_state"),
        # Unsloth, and what PyTorch says when memory runs out
        (r"max memory: <size>", "total"),
        (r"actual gpu utilization = <n>%", "percent"),
        (
            r"chunked prefill tokens = <n>\. num sequences = <n>",
            "max_num_batched_tokens max_num_seqs",
        ),
        (r"total capacity of <size>", "total"),
    )
)

# Which of several ranks' figures counts: that of the tightest GPU; else the last.
LOWEST: Final = frozenset({"kv_budget", "blocks", "free", "free_after"})
# Of a rank the first alone counts: a draft model loads after the first, into what that left.
FIRST: Final = frozenset({"free", "free_after"})
RANK: Final = re.compile(r"\b(?:DP|PP|TP|EP)\d{1,4}\b|\brank=\d{1,4}\b")
HIGHEST: Final = frozenset({"weights", "activation", "non_torch", "graphs", "graphs_taken"})

# Lines that list settings, and the settings read from them.
SETTINGS_LINE: Final = re.compile(
    r"llm engine \(v|non-default args|\bargs: ?namespace|server_args ?=|engine_args", re.IGNORECASE
)
SETTINGS: Final = {
    "model": "model",
    "model_path": "model",
    "model_tag": "model",
    "dtype": "dtype",
    "quantization": "quantization",
    "kv_cache_dtype": "kv_dtype",
    "tensor_parallel_size": "tp",
    "tp_size": "tp",
    "pipeline_parallel_size": "pp",
    "pp_size": "pp",
    "max_seq_len": "max_model_len",
    "max_model_len": "max_model_len",
    "context_length": "max_model_len",
    "gpu_memory_utilization": "gpu_memory_utilization",
    "mem_fraction_static": "gpu_memory_utilization",
    "block_size": "block_size",
    "enforce_eager": "eager",
}
SETTING: Final = re.compile(
    r"""['"]?\b(""" + "|".join(SETTINGS) + r""")['"]?\s*[=:]\s*['"]?([^,'"}\)\s]+)"""
)
VERSIONS: Final = (
    ("vllm", re.compile(r"LLM engine \(v([\w.+]+)\)")),
    ("vllm", re.compile(r"vLLM API server version v?(\d[\w.+]*)")),
    ("vllm", re.compile(r"[█▀▄].{0,100}?\bversion v?(\d[\w.+]*)")),
    ("vllm", re.compile(r"\bvllm(?:==| version:? | v)(\d+\.\d[\w.+]*)", re.IGNORECASE)),
    ("sglang", re.compile(r"\bsglang(?:==| version:? | v)(\d+\.\d[\w.+]*)", re.IGNORECASE)),
)
SGLANG: Final = re.compile(r"load weight end\.|max_total_num_tokens=|KV Cache is allocated", re.I)
OLDER: Final = re.compile(  # vLLM's engine before 0.8, which later versions could still run
    r"a V0 LLM engine|reserved for KV Cache is|# (?:gpu|cuda|rocm) blocks: \d+, # CPU blocks", re.I
)
CAPS: Final = (  # settings by which a cache has another size than memory would allow
    ("kv_cache_memory_bytes", re.compile(r"kv_cache_memory_bytes(?:['\"]?\s*[=:]\s*\d| config)")),
    (  # while graphs are measured there are 0, overridden for that time alone
        "num_gpu_blocks_override",
        re.compile(r"num_gpu_blocks=[1-9]\d* with num_gpu_blocks_override|blocks_override': \d"),
    ),
    ("max_total_tokens", re.compile(r"max_total_tokens['\"]?\s*[=:]\s*\d")),
)
LORA: Final = re.compile(r"PunicaWrapper(?!CPU)|enable_lora['\"]?\s*[=:]\s*True")
DEVICE: Final = re.compile(
    r"(?:NVIDIA|Tesla|AMD[ _]Instinct)[ _](?:GeForce[ _]|Tesla[ _]|AMD[ _])?"
    r"((?:RTX[ _])?(?:PRO[ _])?[A-Z]*\d{1,4}[A-Z]*"
    r"(?:[-_ ](?:SXM\d?|PCI[eE]|NVL|Ti|D|Ada|\d+ ?GB)(?![A-Za-z0-9]))*)"
)
FAILURES: Final = re.compile(
    r"no available memory for the cache blocks|larger than the maximum number of tokens that can be"
    r" stored|larger than the available kv cache memory|out of memory\. tried|less than desired gpu"
    r" memory utilization|not enough memory\. please|does not recognize this architecture"
    r"|only supported on gpus with compute capability",
    re.IGNORECASE,
)
