"""The figures of whole deployments: weights, cache, state and scores, however they are split."""

from typing import Final

import numpy as np

from kvviz.atlas.axes import Array, Axes, Columns, spread
from kvviz.atlas.held import Held
from kvviz.memory.kv import NO_WINDOW
from kvviz.memory.totals import TOGGLES
from kvviz.settings.sequences import Sequences

PARTS: Final = ("used", "allocated", "reserved")


def whole(held: Held) -> Columns:
    """Return the figures that depend neither on the GPU nor on the split."""
    axes, batch = held.axes, held.axes.workload.batch
    token, scores = held.cached[:, 0], spread(held.scores[:, 0], "mc")
    grows = np.array([window == NO_WINDOW for window in held.windows])
    columns = {
        "parameters": spread([model.parameters for model in axes.models], "m"),
        "active_parameters": spread([model.active_parameters for model in axes.models], "m"),
        "kv_bytes_per_token": spread(token[..., grows].sum(axis=-1), "md"),
        "kv_bytes_per_token_all_layers": spread(token.sum(axis=-1), "md"),
        "state_bytes_per_sequence": spread(held.state[:, 0], "m"),
        "weights_bytes": spread(held.weights[:, 0], "md"),
        "state_bytes": spread(held.state[:, 0] * batch, "m"),
        "scores_bytes": scores * (not axes.workload.flash),
        "scores_avoided_bytes": scores * axes.workload.flash,
        "scores_multiple": np.full((1,) * 5, axes.workload.score_multiple),
        "deltas_flash": scores,
        "past_own_maximum": _past_own_maximum(axes),
        **_cache(held),
        **_deltas(held),
    }
    fixed = columns["weights_bytes"] + columns["state_bytes"]
    total = fixed + columns["kv_allocated_bytes"] + columns["scores_bytes"]
    return {**columns, "total_bytes": total}


def _cache(held: Held) -> Columns:
    """Return the KV cache: used + reserved + internal = allocated."""
    of, batch = held.axes.at_contexts, held.axes.workload.batch
    used, allocated, reserved = (_cache_bytes(held, of, part) for part in PARTS)
    tokens = [batch * context for context in held.axes.contexts]
    return {
        "kv_used_bytes": used,
        "kv_allocated_bytes": allocated,
        "kv_reserved_bytes": reserved,
        "kv_internal_bytes": allocated - used - reserved,
        "kv_external_bytes": np.zeros((1,) * 5, dtype=np.int64),  # nothing is freed, so no holes
        "kv_tokens": spread(tokens, "c"),
        "efficiency": np.divide(used, allocated, out=np.ones(used.shape), where=allocated > 0),
    }


def _deltas(held: Held) -> Columns:
    """Return what batching and paging alone would change; positive: it saves."""
    deltas = {}
    for name in ("continuous", "paged"):
        on, off = (_cache_bytes(held, held.axes.at_contexts_with(**way)) for way in TOGGLES[name])
        deltas[f"deltas_{name}"] = off - on
    return deltas


def _cache_bytes(held: Held, of: tuple[Sequences, ...], part: str = "allocated") -> Array:
    """Return the bytes of a part of the cache in all layers, by the sequences at each context."""
    places = held.places(of, part)
    return spread(np.einsum("mdw,wc->mdc", held.cached[:, 0], places), "mdc")


def _past_own_maximum(axes: Axes) -> Array:
    final = np.array([each.final_length for each in axes.at_contexts])
    own = np.array([model.max_context for model in axes.models])
    return spread(final > own[:, None], "mc")
