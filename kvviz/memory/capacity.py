"""What one GPU can hold: all that its driver reports, or what a serving engine leaves for KV."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from kvviz.catalog.engine import (
    VLLM_LOGS,
    Assumption,
    activation_gib,
    default_batch,
    non_torch_gib,
    release,
)
from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Layer, Model
from kvviz.memory.kv import kv_width
from kvviz.memory.loaded import tower_bytes
from kvviz.memory.pages import group_size
from kvviz.memory.parallel import layer_kv_bytes, stage_starts, stage_weights, state_bytes
from kvviz.settings.scenario import Scenario
from kvviz.units import GiB


@dataclass(frozen=True, slots=True)
class KvBudget:
    """What an engine leaves for the KV cache of the tightest GPU.

    Args:
        bytes: budget of one GPU.
        blocks: whole blocks in it.
        tokens: token places in them.
        concurrency: sequences of the scenario's context at once.
        concurrency_at_max_length: sequences of the slot's length at once, as vLLM prints it.
    """

    bytes: int
    blocks: int
    tokens: int
    concurrency: float
    concurrency_at_max_length: float


def capacity_bytes(scenario: Scenario, gpu: Gpu) -> int:
    """Return the bytes of one GPU that may be used under the scenario's mode and utilization."""
    total = gpu.reported_bytes if scenario.mode == "textbook" else gpu.cuda_bytes
    return int(total * scenario.utilization)


def assumptions(scenario: Scenario, model: Model, t: int) -> tuple[Assumption, ...]:
    """Return what mode vllm takes of one of `t` tensor-parallel GPUs besides weights and KV.

    Nothing in mode textbook.
    """
    if scenario.mode == "textbook":
        return ()
    return (
        _assumed("activation peak", scenario.activation_gib, peak_gib(model, scenario.the_gpu, t)),
        _assumed("outside torch", scenario.non_torch_gib, non_torch_gib(t)),
        _assumed("CUDA graphs", scenario.cuda_graphs_gib, release().graphs),
        *_tower(model, t),
    )


def _tower(model: Model, t: int) -> tuple[Assumption, ...]:
    """Return what a multimodal model's engine loads beside the text model that is counted here."""
    size = tower_bytes(model, t)
    source = "counted from the config's vision_config"
    return (Assumption("vision tower", size / GiB, source),) if size else ()


@lru_cache(maxsize=4096)
def peak_gib(model: Model, gpu: Gpu, t: int) -> float:
    """Return the assumed activation peak in GiB with the engine's default batch settings."""
    return activation_gib(model, default_batch(gpu.cuda_bytes, gpu.name), t)


def _assumed(name: str, own: float | None, default: float) -> Assumption:
    if own is not None:
        return Assumption(name, own, "set by the user")
    return Assumption(name, default, VLLM_LOGS)


def overhead_bytes(scenario: Scenario, model: Model, t: int) -> int:
    """Return the bytes of `assumptions` on one of `t` tensor-parallel GPUs."""
    return round(sum(item.gib for item in assumptions(scenario, model, t)) * GiB)


def room_bytes(scenario: Scenario, model: Model, t: int) -> int:
    """Return what one of `t` tensor-parallel GPUs leaves for the model: capacity less overhead."""
    return capacity_bytes(scenario, scenario.the_gpu) - overhead_bytes(scenario, model, t)


def kv_budget(scenario: Scenario, model: Model) -> KvBudget:
    """Return what is left for KV under the scenario's tensor and pipeline sizes, at least 0."""
    weights = stage_weights(model, scenario.tp, scenario.pp, scenario.weights_dtype)
    left = np.maximum(room_bytes(scenario, model, scenario.tp) - weights, 0)
    starts = stage_starts(len(model.layers), scenario.pp)
    tokens_bytes = [
        stage_token_bytes(model.layers[a:b], kv_width(scenario, model), scenario.tp)
        for a, b in pairwise(starts)
    ]
    stages = [
        (int(budget) // (size * scenario.block_size), int(budget))
        for budget, size in zip(left, tokens_bytes, strict=True)
        if size
    ]
    blocks, budget = min(stages, default=(0, int(left.min())))
    return KvBudget(
        budget,
        blocks,
        blocks * scenario.block_size,
        _concurrency(scenario, model, max(tokens_bytes), budget, blocks, scenario.context),
        _concurrency(scenario, model, max(tokens_bytes), budget, blocks, scenario.max_length),
    )


def _concurrency(
    scenario: Scenario, model: Model, token: int, budget: int, blocks: int, length: int
) -> float:
    state = state_bytes(model)
    if not state:
        return blocks * scenario.block_size / length
    return budget / (length * token + state / scenario.tp)


def stage_token_bytes(layers: tuple[Layer, ...], number: int, t: int) -> int:
    """Return the bytes one token takes in a stage's layers on one of `t` GPUs, as vLLM groups them.

    Layers of different kinds form groups of one size: the smallest number of layers of a kind, or
    the largest if that is under 1.5 x the smallest; every kind is padded up to a multiple of it
    (vLLM's hybrid KV cache; recurrent layers stand apart).
    """
    kinds: dict[tuple[str, int | None], list[int]] = {}
    for layer in layers:
        if layer.cached_values:
            size = layer_kv_bytes(layer, number, t)
            kinds.setdefault((layer.attention, layer.window), []).append(size)
    if not kinds:
        return 0
    counts = [len(sizes) for sizes in kinds.values()]
    group = group_size(counts)
    return sum(
        -(-len(sizes) // group) * group * sum(sizes) // len(sizes) for sizes in kinds.values()
    )
