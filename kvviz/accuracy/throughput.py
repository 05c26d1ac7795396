"""Offline throughput in the steady state: a full batch; sequences start and end evenly."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from kvviz.accuracy.rows import Untestable
from kvviz.catalog.dtypes import width
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.measured.efficiency import KNEE
from kvviz.catalog.models.model import Model
from kvviz.cost.roofline import step
from kvviz.engines.vllm.budget import activation_gib, non_torch_gib
from kvviz.engines.vllm.releases import Batch
from kvviz.settings.scenario import Scenario
from kvviz.shards.cache import layer_kv_bytes
from kvviz.shards.loaded import loaded, stored_as
from kvviz.units import GB, GiB

CACHE_SHARE: Final = 0.9  # of the memory free after loading: TensorRT-LLM's usual setting
MOST_SEQUENCES: Final = 2048  # TensorRT-LLM's default max_batch_size
MOST_TOKENS: Final = 8192  # its default max_num_tokens
# Three numbers fitted together on NVIDIA's 50 rows for TensorRT-LLM 1.0 (perf-overview.md): median
# difference 5 %; fitted on one of their two models, 13 to 14 % on the other.
FP8_MFU: Final = 0.5
LOADED_MBU: Final = 0.65
STEP_SECONDS: Final = 0.012  # launches, scheduling and sampling of a full batch
LINK_SHARE: Final = 0.7  # of the links' one-way rate: what an all-reduce reaches, assumed


@dataclass(frozen=True)
class Load:
    """A benchmark: many equal requests, all queued at the start.

    Args:
        model: the model.
        gpu: the device.
        gpus: tensor parallel size.
        precision: dtype of the weights; below 16 bits the KV cache is fp8.
        prompt: tokens of each prompt.
        output: tokens of each answer.
    """

    model: Model
    gpu: Gpu
    gpus: int
    precision: str
    prompt: int
    output: int


@lru_cache(maxsize=512)
def tokens_per_second(load: Load) -> float:
    """Return the output tokens per second of all GPUs together, from assumed efficiencies.

    With B sequences at once, a step makes B tokens and computes the prompts of the B / output
    requests that start in it. B is what the KV cache holds at the mean length, what a step of
    `MOST_TOKENS` tokens can keep running, or `MOST_SEQUENCES`, whichever is least.

    Raises:
        Untestable: the weights leave no room, or a rate of the GPU is not known.
    """
    sequences = _sequences(load)
    seconds = _step_seconds(load, sequences)
    if not np.isfinite(seconds):
        raise Untestable(f"no {load.precision} rate of {load.gpu.name} is known")
    return sequences / seconds


def _sequences(load: Load) -> float:
    """Return the number of sequences running at once."""
    low = load.precision in ("fp8", "nvfp4")
    number = 1 if low else width(load.model.dtype)
    token = sum(layer_kv_bytes(layer, number, load.gpus) for layer in load.model.layers)
    weights = loaded(stored_as(load.model, load.precision), load.gpus).total
    batch = Batch(MOST_TOKENS, MOST_SEQUENCES)
    own = (activation_gib(load.model, batch, load.gpus) + non_torch_gib(load.gpus)) * GiB
    room = CACHE_SHARE * (load.gpu.cuda_bytes - weights - own)
    held = room / (token * (load.prompt + load.output / 2)) if token else MOST_SEQUENCES
    if held < 1:
        raise Untestable("the weights leave no room for a sequence")
    fed = MOST_TOKENS / (1 + load.prompt / load.output)
    return min(held, fed, MOST_SEQUENCES)


def _step_seconds(load: Load, sequences: float) -> float:
    """Return the time of a mixed step: roofline, links and launches."""
    scenario = Scenario(
        own_models={"m": stored_as(load.model, load.precision)},
        model="m",
        gpu=load.gpu.name,
        tp=load.gpus,
        kv_dtype="fp8" if load.precision in ("fp8", "nvfp4") else "auto",
    )
    middle = load.prompt + load.output // 2
    decode = step(scenario, np.ones((1, 1), dtype=np.int64), np.array([[middle]]))
    whole = np.array([[load.prompt]])
    prompts = step(scenario, whole, whole)
    started = sequences / load.output
    flops = sequences * decode.flops[0] + started * prompts.flops[0]
    moved = decode.weight_bytes[0] + sequences * decode.kv_bytes[0]
    moved += started * prompts.kv_bytes[0]
    compute = flops / (_peak(load) * FP8_MFU)
    memory = moved / (load.gpu.bandwidth_gb_s * GB * LOADED_MBU)
    rooflined = (compute**KNEE + memory**KNEE) ** (1 / KNEE)
    tokens = sequences * (1 + load.prompt / load.output)
    return float(rooflined + STEP_SECONDS + _links(load, tokens))


def _peak(load: Load) -> float:
    """Return the peak rate of matrix products; 4-bit weights use the fp8 rate."""
    dtype = "fp8" if load.precision in ("fp8", "nvfp4") else "bf16"
    return load.gpu.peak_flops(dtype) or np.nan


def _links(load: Load, tokens: float) -> float:
    """Return the time of two all-reduces per layer over the links."""
    if load.gpus == 1 or not load.gpu.link_gb_s:
        return 0.0
    ring = 2 * (load.gpus - 1) / load.gpus
    sent = 2 * len(load.model.layers) * tokens * load.model.hidden_size * width(load.model.dtype)
    return sent * ring / (load.gpu.link_gb_s / 2 * GB * LINK_SHARE)
