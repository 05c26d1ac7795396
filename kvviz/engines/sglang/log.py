"""The lines that SGLang prints at its start, and what they mean."""

import re
from typing import Final

from kvviz.engines.failures import OF_LIBRARIES, failure_lines
from kvviz.engines.lines import OF_PYTORCH, Figures, Lines, Settings, figures

VERSION: Final = re.compile(r"\bsglang(?:==| version:? | v)(\d+\.\d[\w.+]*)", re.IGNORECASE)
OWN: Final = re.compile(
    r"load weight (?:begin|end)\.|max_total_num_tokens=|KV Cache is allocated|server_args ?="
    r"|mem-fraction-static|" + VERSION.pattern,
    re.IGNORECASE,
)
"""What only SGLang prints."""

FIGURES: Final = figures(
    (r"load weight begin\..{0,300}?avail mem=<size>", "free_before_gib"),
    (r"load weight end\..{0,300}?avail mem=<size>", "free_after_gib"),
    (r"load weight end\..{0,300}?mem usage=<size>", "weights_gib"),
    (r"#tokens: <n>", "kv_tokens"),
    (r"\bk size: <size>, v size: <size>", "k_gib v_gib"),
    (r"#tokens: .{0,200}?\bkv size: <size>", "kv_cache_gib"),
    (r"swakvpool mem usage: <size>", "kv_cache_gib"),  # full and windowed layers together
    (r"max_total_num_tokens=<n>", "kv_tokens"),
    (r"\bcontext_len=<n>", "concurrency_at"),
    (r"capture cuda graph end\..{0,200}?mem usage=<size>", "captured_graphs_gib"),
    (r"conv_state size: <size>", "conv_gib"),
    (r"ssm_state size: <size>", "ssm_gib"),
)
SETTINGS: Final = Settings(
    re.compile(r"server_args ?=|\bargs: ?namespace", re.IGNORECASE),
    {
        "model_path": "model",
        "dtype": "dtype",
        "quantization": "quantization",
        "kv_cache_dtype": "kv_dtype",
        "tp_size": "tp",
        "pp_size": "pp",
        "context_length": "max_model_len",
        "mem_fraction_static": "gpu_memory_utilization",
    },
)
SIGNS: Final = (
    (
        re.compile(r"max_total_tokens['\"]?\s*[=:]\s*\d"),
        "cap",
        "max_total_tokens sets the KV cache size",
    ),
    (re.compile(r"enable_lora['\"]?\s*[=:]\s*True"), "lora", True),
)
LINES: Final = Lines((*FIGURES, *OF_PYTORCH), SETTINGS, (("engine_version", VERSION),), SIGNS, OWN)
FAILURES: Final = (
    *failure_lines(("share_too_small", r"not enough memory\. please", "")),
    *OF_LIBRARIES,
)


def derived(said: Figures) -> Figures:
    """Return the figures, with those that follow from others."""
    found = dict(said)
    if "k_gib" in found and "v_gib" in found:
        found.setdefault("kv_cache_gib", found["k_gib"] + found["v_gib"])
    states = [found[name] for name in ("conv_gib", "ssm_gib") if name in found]
    if states:
        found["states_gib"] = sum(states)
    after = found.get("free_after_gib")
    if after is not None and "weights_gib" in found:
        found.setdefault("free_before_gib", after + found["weights_gib"])
    elif after is not None and "free_before_gib" in found:
        found["weights_gib"] = found["free_before_gib"] - after
    return found
