"""Reading an engine's start-up log: vLLM 0.5 and later, SGLang; what is not known is passed over."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 50_000_000
MAX_LINE: Final = 20_000  # characters of a line that are read


class LogError(ValueError):
    """A text that holds no line of a known engine; one sentence."""


@dataclass(frozen=True)
class StartupLog:
    """What a log says, each value once.

    Args:
        facts: texts by name, as the columns of the table of logs where they have one.
        numbers: sizes in GiB and counts by name.
        lines: the lines that said something, as (line number, text).
        failure: the line that says why the start failed, empty where none does.
    """

    facts: dict[str, str]
    numbers: dict[str, float]
    lines: tuple[tuple[int, str], ...]
    failure: str


NUMBER: Final = r"([\d,]*\.?\d+)"
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
        (r"total_gpu_memory \(<size>\) x gpu_memory_utilization \(<n>\)", "total utilization"),
        (r"model weights take <size>", "weights"),
        (r"non_torch_memory takes <size>", "non_torch"),
        (r"activation peak memory takes <size>", "activation"),
        (r"reserved for kv cache is <size>", "kv_budget"),
        (r"total_gpu_memory=<size>", "total"),
        (r"peak_torch_memory=<size>", "torch_peak"),
        (r"memory profiling results:.*\bnon_torch_memory=<size>", "non_torch"),
        (r"kv_cache_size=<size>", "kv_budget"),
        (r"available kv cache memory: (-?[\d.,]+)\s?Gi?B", "kv_budget"),
        (r"gpu kv cache size: <n> tokens", "tokens"),
        (r"estimated cuda graph memory: <size>", "graphs"),
        (r"graph capturing finished in <n> secs, took <size>", "capture graphs_taken"),
        (r"total_memory=<size>", "total"),
        (r"requested memory: <n> \(util\), <size>", "utilization requested"),
        (r"\butilization (?:is )?\(<n>, <size>\)", "utilization requested"),
        (r"torch peak memory increase: <size>", "activation"),
        (r"non-torch forward increase memory: <size>", "non_torch"),
        (r"\bweights memory: <size>", "weights"),
        (r"free memory on device \(<n>/<size>\)", "free total"),
        (r"<size> for weight, <size> for peak activation", "weights activation"),
        (r"<size> for non-torch memory", "non_torch"),
        (r"using max model len <n>", "length"),
        (r"max_num_batched_tokens(?: to |=)<n>", "max_num_batched_tokens"),
        (r"max_num_seqs(?: to |=)<n>", "max_num_seqs"),
        (r"setting attention block size to <n> tokens", "block"),
        # SGLang
        (r"load weight begin\..*avail mem=<size>", "free"),
        (r"load weight end\..*mem usage=<size>", "weights"),
        (r"#tokens: <n>", "tokens"),
        (r"\bk size: <size>, v size: <size>", "k_size v_size"),
        (r"#tokens: .*\bkv size: <size>", "kv_budget"),
        (r"max_total_num_tokens=<n>", "tokens"),
        (r"\bcontext_len=<n>", "length"),
        (r"capture cuda graph end\..*mem usage=<size>", "graphs_taken"),
        (r"conv_state size: <size>", "conv_state"),
        (r"ssm_state size: <size>", "ssm_state"),
        # Unsloth, and what PyTorch says when memory runs out
        (r"max memory: <size>", "total"),
        (r"total capacity of <size>", "total"),
    )
)

# Which of several ranks' figures counts: that of the tightest GPU; else the last.
LOWEST: Final = frozenset({"kv_budget", "blocks", "free"})
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
    r"""['"]?\b(%s)['"]?\s*[=:]\s*['"]?([^,'"}\)\s]+)""" % "|".join(SETTINGS)
)
VERSIONS: Final = (
    ("vllm", re.compile(r"LLM engine \(v([\w.+]+)\)")),
    ("vllm", re.compile(r"vLLM API server version v?(\d[\w.+]*)")),
    ("vllm", re.compile(r"[█▀▄].*\bversion v?(\d[\w.+]*)")),
    ("vllm", re.compile(r"\bvllm(?:==| version:? | v)(\d+\.\d[\w.+]*)", re.IGNORECASE)),
    ("sglang", re.compile(r"\bsglang(?:==| version:? | v)(\d+\.\d[\w.+]*)", re.IGNORECASE)),
)
SGLANG: Final = re.compile(r"load weight end\.|max_total_num_tokens=|KV Cache is allocated", re.I)
DEVICE: Final = re.compile(
    r"(?:NVIDIA|Tesla|AMD Instinct)[ _](?:GeForce[ _]|Tesla[ _]|AMD[ _])?"
    r"((?:RTX[ _])?(?:PRO[ _])?[A-Z]*\d{1,4}[A-Z]*(?:[-_ ](?:SXM\d?|PCIe|NVL|Ti|D|\d+ ?GB)\b)*)"
)
FAILURES: Final = re.compile(
    r"no available memory for the cache blocks|larger than the maximum number of tokens that can be"
    r" stored|larger than the available kv cache memory|out of memory\. tried|less than desired gpu"
    r" memory utilization|not enough memory\. please|does not recognize this architecture"
    r"|only supported on gpus with compute capability|max_model_len .* is greater than the derived",
    re.IGNORECASE,
)


@dataclass
class _Reader:
    facts: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    lines: list[tuple[int, str]] = field(default_factory=list)
    failure: str = ""

    def take(self, number: int, line: str) -> None:
        """Read one line."""
        said = self._numbers(line) | self._settings(line) | self._names(line)
        failed = FAILURES.search(line)
        if failed and not self.failure:
            self.failure = line[max(0, failed.start() - 200) :].strip()[:600]
        if said or failed:
            self.lines.append((number, line.strip()))

    def _numbers(self, line: str) -> bool:
        said = False
        for pattern, names in NUMBERS:
            found = pattern.search(line)
            for name, text in zip(names, found.groups() if found else (), strict=False):
                value = _number(text)
                if value is not None:
                    self.values.setdefault(name, []).append(value)
                    said = True
        return said

    def _settings(self, line: str) -> bool:
        if not SETTINGS_LINE.search(line):
            return False
        for name, value in SETTING.findall(line):
            if value not in ("None", "null", ""):
                self.facts.setdefault(SETTINGS[name], value.removeprefix("torch."))
        return True

    def _names(self, line: str) -> bool:
        said = False
        for engine, pattern in VERSIONS:
            found = pattern.search(line)
            if found:
                self.facts.setdefault("engine", engine)
                self.facts.setdefault("engine_version", found[1])
                said = True
        if SGLANG.search(line):
            self.facts.setdefault("engine", "sglang")
        device = DEVICE.search(line)
        if device:
            self.facts.setdefault("gpu", device[1].replace("_", " "))
        return said


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def read_log(text: str) -> StartupLog:
    """Return what a start-up log says.

    Args:
        text: the log, whole or in part, with any prefixes; GB is read as the GiB that it means.

    Raises:
        LogError: no line of it is one that vLLM or SGLang prints.
    """
    reader = _Reader()
    for number, line in enumerate(_lines(text), 1):
        reader.take(number, line[:MAX_LINE])
    if not reader.values and not reader.failure:
        raise LogError(
            "the text holds no start-up line of vLLM or SGLang; expected lines such as "
            "'Model loading took 14.99 GiB' or 'GPU KV cache size: 476,016 tokens'"
        )
    reader.facts.setdefault("engine", "vllm")
    numbers = {name: _one(name, values) for name, values in reader.values.items()}
    return StartupLog(reader.facts, _derived(numbers), tuple(reader.lines), reader.failure)


def _lines(text: str) -> Iterator[str]:
    return iter(re.sub(r"\x1b\[[\d;]*m", "", text).splitlines())


def _one(name: str, values: list[float]) -> float:
    if name in LOWEST:
        return min(values)
    return max(values) if name in HIGHEST else values[-1]


def _derived(numbers: dict[str, float]) -> dict[str, float]:
    """Add what follows from the log's own figures."""
    found = dict(numbers)
    if "k_size" in found and "v_size" in found:
        found.setdefault("kv_budget", found["k_size"] + found["v_size"])
    if "torch_peak" in found and "weights" in found:  # vLLM 0.6: the peak holds the weights
        found.setdefault("activation", found["torch_peak"] - found["weights"])
    if "total" in found and "utilization" in found:
        found.setdefault("requested", found["total"] * found["utilization"])
    asked = found.get("concurrency", 0) * found.get("length", 0)
    if found.get("blocks") and asked:  # before 0.8 the tokens follow from whole blocks
        found.setdefault("tokens", found["blocks"] * round(asked / found["blocks"]))
    return found


def read_log_file(path: Path) -> StartupLog:
    """Return what a log file says.

    Raises:
        LogError: it cannot be read, is too large, or holds no known line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise LogError(f"cannot read {str(path)!r}: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise LogError(f"the log is larger than {MAX_BYTES // 10**6} MB, the most read")
    return read_log(content.decode("utf-8", errors="replace"))
