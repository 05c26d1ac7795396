"""How long a step takes on a GPU: a roofline of matrix products against bytes moved."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.dtypes import storage_bytes
from kvviz.catalog.efficiency import KNEE
from kvviz.catalog.model import Model
from kvviz.memory.kv import NO_WINDOW, Tokens, kv_width, layer_groups, lengths
from kvviz.memory.parallel import state_bytes, weight_dtype
from kvviz.scenario import Scenario
from kvviz.units import GB

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Step:
    """Forward passes: their work, their time, and how busy they keep the GPU; arrays of one shape.

    Args:
        flops: floating point operations.
        weight_bytes: weights read.
        kv_bytes: KV cache and recurrent state read and written.
        seconds: time under the assumed efficiencies, NaN where the GPU's rate is not known.
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
    """Return the steps that compute one new token of every sequence, one a context."""
    held = lengths(contexts, scenario.batch, scenario.ragged)
    return step(scenario, np.ones_like(held), held)


def prefill_step(scenario: Scenario, contexts: Tokens) -> Step:
    """Return the steps that compute every token of every sequence, one a context."""
    held = lengths(contexts, scenario.batch, scenario.ragged)
    return step(scenario, held, held)


def step(scenario: Scenario, new: Tokens, context: Tokens) -> Step:
    """Return the steps that compute `new` tokens of each sequence, up to `context` after them.

    Activations are not counted. Weights are read once; of the experts, those that the step's
    tokens are expected to choose. Tensor parallel shares work and bytes evenly; pipeline stages
    follow one another, so they do not shorten a step. Links and launches are not counted.

    Args:
        scenario: model, GPU, dtypes and parallel sizes.
        new: tokens computed, shape (..., sequences).
        context: tokens attended to, the new ones included, shape (..., sequences).
    """
    model, gpus = scenario.the_model, scenario.tp
    flops = _flops(model, new, context) / gpus
    weights = _weight_bytes(scenario, model, new.sum(axis=-1)) / gpus
    kv = _kv_bytes(scenario, model, new, context) / gpus
    gpu = scenario.the_gpu
    compute = flops / ((gpu.peak_flops(model.dtype) or np.nan) * scenario.mfu)
    memory = (weights + kv) / (gpu.bandwidth_gb_s * GB * scenario.mbu)
    seconds = (compute**KNEE + memory**KNEE) ** (1 / KNEE)
    return Step(flops, weights, kv, seconds, compute / seconds, memory / seconds)


def _flops(model: Model, new: Tokens, context: Tokens) -> Column:
    used = sum(group.active for group in model.tensors if group.part != "embedding")
    if model.tied:  # the head is the embedding, and is multiplied with
        used += model.vocab_size * model.hidden_size
    work: Column = 2.0 * used * new.sum(axis=-1)
    kinds = Counter(
        (layer.heads * layer.head_dim, layer.window) for layer in model.attending_layers()
    )
    for (width, window), layers in kinds.items():
        work += 4.0 * layers * width * _pairs(new, context, window or NO_WINDOW).sum(axis=-1)
    return work


def _pairs(new: Tokens, context: Tokens, window: int) -> Column:
    """Return the query-key pairs: query j of a sequence sees min(j, window) keys."""
    before = (context - new).astype(float)
    inside = np.clip(window - before, 0, new)  # queries that see every key before them
    pairs: Column = inside * before + inside * (inside + 1) / 2
    return pairs + np.where(new > inside, (new - inside) * float(window), 0)


def _weight_bytes(scenario: Scenario, model: Model, tokens: Tokens) -> Column:
    """Return the bytes of weights read: each once, experts as far as they will likely be hit."""
    total = np.zeros(tokens.shape)
    for group in model.tensors:
        if group.part == "embedding" and not model.tied:
            continue  # a few rows are looked up
        size = storage_bytes(group.count, weight_dtype(group, scenario.weights_dtype, model.dtype))
        chosen = group.active / group.count
        total += size if chosen == 1 else size * (1 - (1 - chosen) ** tokens)
    return total


def _kv_bytes(scenario: Scenario, model: Model, new: Tokens, context: Tokens) -> Column:
    state = 2 * state_bytes(model) * new.shape[-1]  # read and written, however long the context
    total = np.full(new.shape[:-1], float(state))
    for group in layer_groups(model, kv_width(scenario, model)):
        read = np.minimum(context, group.window).sum(axis=-1)
        total += (read + new.sum(axis=-1)) * (group.layers * group.bytes_per_token)
    return total
