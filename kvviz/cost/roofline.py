"""How long a step takes on a GPU: a roofline of matrix products against bytes moved."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.measured.efficiency import KNEE
from kvviz.catalog.models.model import Model
from kvviz.engines.planning import served_model
from kvviz.memory.kv import NO_WINDOW, Tokens, lengths
from kvviz.settings.scenario import Scenario
from kvviz.shards.cache import cache_width, layer_kv_bytes, layer_state_bytes
from kvviz.shards.weights import tensor_bytes
from kvviz.units import GB

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Work:
    """What steps of one deployment cost, in exact integers.

    Args:
        gpus: tensor parallel size; floating point operations are divided by it.
        token_flops: operations of matrix products per new token, on all GPUs.
        pair_flops: by window, operations per query-key pair, on all GPUs.
        kv_bytes: by window, bytes per token in the cache of one GPU, replicated heads included.
        state_bytes: recurrent state of a sequence on one GPU.
        weights: (bytes on one GPU, share that one token chooses) of tensors that a step reads.
    """

    gpus: int
    token_flops: int
    pair_flops: dict[int, int]
    kv_bytes: dict[int, int]
    state_bytes: int
    weights: tuple[tuple[int, float], ...]

    def weight_bytes(self, tokens: Tokens) -> Column:
        """Return the bytes of weights read: each once, and the experts expected to be used.

        Args:
            tokens: new tokens of a step, any shape; so is the result.
        """
        total = np.zeros(np.shape(tokens))
        for size, chosen in self.weights:
            total += size if chosen == 1 else size * (1 - (1 - chosen) ** tokens)
        return total


@dataclass(frozen=True, slots=True)
class Step:
    """Forward passes: their work, their time, and how busy they keep the GPU; arrays of one shape.

    Args:
        flops: floating point operations.
        weight_bytes: weights read.
        kv_bytes: KV cache and recurrent state read and written.
        seconds: time under the assumed MFU and MBU, NaN where the GPU's rate is unknown.
        compute_share: time the matrix units need, as a share of `seconds`.
        memory_share: time the memory needs, as a share of `seconds`.
    """

    flops: Column
    weight_bytes: Column
    kv_bytes: Column
    seconds: Column
    compute_share: Column
    memory_share: Column


def decode_step(scenario: Scenario, contexts: Tokens) -> Step:
    """Return the steps that compute one new token of every sequence, one per context."""
    held = lengths(contexts, scenario.batch, scenario.ragged)
    return step(scenario, np.ones_like(held), held)


def prefill_step(scenario: Scenario, contexts: Tokens) -> Step:
    """Return the steps that compute every token of every sequence, one per context."""
    held = lengths(contexts, scenario.batch, scenario.ragged)
    return step(scenario, held, held)


def step(scenario: Scenario, new: Tokens, context: Tokens) -> Step:
    """Return the steps that compute `new` tokens of each sequence, up to `context` after them.

    Activations are not counted. Weights are read once; of the experts, those that the step's
    tokens are expected to choose. Tensor parallel shares the work evenly, and bytes as the GPUs
    hold them; pipeline stages follow one another, so they do not shorten a step. Launches count
    where they are known for the GPU; links do not.

    Args:
        scenario: model, GPU, dtypes and parallel sizes.
        new: tokens computed, shape (..., sequences).
        context: tokens attended to, the new ones included, shape (..., sequences).
    """
    model, gpu, done = served_model(scenario), scenario.the_gpu, work(scenario)
    flops = step_flops(done, new, context) / done.gpus
    weights = done.weight_bytes(new.sum(axis=-1))
    kv = _kv_bytes(done, new, context)
    compute = flops / ((gpu.peak_flops(model.dtype) or np.nan) * scenario.mfu)
    memory = (weights + kv) / (gpu.bandwidth_gb_s * GB * scenario.mbu)
    seconds = together(compute, memory) + scenario.efficiency.overhead_s
    return Step(flops, weights, kv, seconds, compute / seconds, memory / seconds)


def together(compute: Column, memory: Column) -> Column:
    """Return the time of steps whose products and reads overlap, each given in seconds."""
    return (compute**KNEE + memory**KNEE) ** (1 / KNEE)


def work(scenario: Scenario) -> Work:
    """Return what steps of the scenario's model cost on its tensor-parallel GPUs."""
    return work_of(served_model(scenario), scenario.tp, scenario.weights_dtype, scenario.kv_dtype)


@lru_cache(maxsize=4096)
def work_of(model: Model, gpus: int, weights_dtype: str, kv_dtype: str) -> Work:
    """Return what steps of `model` cost on `gpus` tensor-parallel GPUs, in these dtypes."""
    number = cache_width(model, kv_dtype)
    pairs, tokens = Counter[int](), Counter[int]()
    for layer in model.attending_layers():
        pairs[layer.window or NO_WINDOW] += 4 * layer.heads * layer.head_dim
    for layer in model.layers:
        if layer.cached_values:
            tokens[layer.window or NO_WINDOW] += layer_kv_bytes(layer, number, gpus)
    state = sum(layer_state_bytes(model, layer, gpus) for layer in model.layers)
    sizes = tuple((size, chosen) for chosen, size in _weights(model, gpus, weights_dtype).items())
    return Work(gpus, 2 * _used_parameters(model), dict(pairs), dict(tokens), state, sizes)


def _used_parameters(model: Model) -> int:
    """Return the parameters that a token is multiplied with."""
    used = sum(group.active for group in model.tensors if group.part != "embedding")
    # A tied head is the embedding, and is multiplied with.
    return used + (model.vocab_size * model.hidden_size if model.tied else 0)


def _weights(model: Model, gpus: int, weights_dtype: str) -> Counter[float]:
    """Return the bytes that a GPU holds of what a step reads, by the share a token chooses."""
    sizes = Counter[float]()
    for group in model.tensors:
        if group.part == "embedding" and not model.tied:
            continue  # a few rows are looked up
        size = tensor_bytes(model, group, gpus, weights_dtype)
        sizes[group.active / group.count] += size
    return sizes


def step_flops(done: Work, new: Tokens, context: Tokens) -> Column:
    """Return the operations of steps as in `step`, on all GPUs together, shape (...)."""
    total: Column = float(done.token_flops) * new.sum(axis=-1)
    for window, flops in done.pair_flops.items():
        total += float(flops) * _pairs(new, context, window).sum(axis=-1)
    return total


def _pairs(new: Tokens, context: Tokens, window: int) -> Column:
    """Return the query-key pairs: query j of a sequence sees min(j, window) keys."""
    before = (context - new).astype(float)
    inside = np.clip(window - before, 0, new)  # queries that see every key before them
    pairs: Column = inside * before + inside * (inside + 1) / 2
    return pairs + np.where(new > inside, (new - inside) * float(window), 0)


def _kv_bytes(done: Work, new: Tokens, context: Tokens) -> Column:
    """Return the bytes of cache and state that steps read and write."""
    total = np.full(new.shape[:-1], float(2 * done.state_bytes * new.shape[-1]))
    for window, size in done.kv_bytes.items():
        total += (np.minimum(context, window).sum(axis=-1) + new.sum(axis=-1)) * float(size)
    return total
