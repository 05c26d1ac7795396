"""KV cache of the growth workload: what is used, allocated, reserved and wasted."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.models.model import Model
from kvviz.settings.scenario import Scenario
from kvviz.settings.sequences import Sequences
from kvviz.shards.cache import cache_width, layer_bytes

Tokens = NDArray[np.int64]
NO_WINDOW = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """Layers that cache alike.

    Args:
        layers: how many.
        bytes_per_token: what one token adds in one of them.
        window: tokens that one holds at most per sequence.
        kv_heads: heads that tensor parallel divides.
    """

    layers: int
    bytes_per_token: int
    window: int
    kv_heads: int

    @property
    def grows(self) -> bool:
        """Whether these layers hold every token."""
        return self.window == NO_WINDOW


@dataclass(frozen=True, slots=True)
class KvTokens:
    """Token places of one layer group, per context: used + reserved + internal = allocated."""

    used: Tokens
    allocated: Tokens
    reserved: Tokens

    @property
    def internal(self) -> Tokens:
        """Places that no token will ever take."""
        return self.allocated - self.used - self.reserved


def kv_width(scenario: Scenario, model: Model) -> int:
    """Return the bytes of one cached number."""
    return cache_width(model, scenario.kv_dtype)


def layer_groups(model: Model, number: int) -> tuple[LayerGroup, ...]:
    """Group the layers that cache tokens, those that hold every token first."""
    kinds = Counter(
        (layer.window or NO_WINDOW, layer_bytes(layer, number), layer.kv_heads)
        for layer in model.layers
        if layer.cached_values
    )
    ordered = sorted(kinds.items(), key=lambda item: (-item[0][0], -item[0][1]))
    return tuple(LayerGroup(n, size, window, heads) for (window, size, heads), n in ordered)


def weights_of_sequences(batch: int, ragged: float) -> NDArray[np.float64]:
    """Return each sequence's length as a share of the longest's, shape (batch,)."""
    if batch == 1:
        return np.ones(1)
    return 1 - ragged * np.arange(batch) / (batch - 1)


def lengths(longest: Tokens, batch: int, ragged: float) -> Tokens:
    """Return every sequence's tokens when the longest has `longest`: shape (..., batch)."""
    shares = weights_of_sequences(batch, ragged)
    return np.ceil(np.asarray(longest)[..., None] * shares).astype(np.int64)


def kv_tokens(of: Sequences, contexts: Tokens, window: int = NO_WINDOW) -> KvTokens:
    """Return the token places of layers with `window`, one row per context, shape (contexts,)."""
    now = np.minimum(lengths(contexts, of.batch, of.ragged), window)
    used = now.sum(axis=-1)
    if of.paged:
        return KvTokens(used, _paged_places(of, now), np.zeros_like(used))
    final = final_lengths(of)
    reserved = (np.minimum(final, window) - now).sum(axis=-1)
    region = np.minimum(regions(of), window).sum()
    return KvTokens(used, np.full_like(used, region), reserved)


def final_lengths(of: Sequences) -> Tokens:
    """Return every sequence's tokens when finished, shape (batch,)."""
    return lengths(np.array(of.final_length), of.batch, of.ragged)


def regions(of: Sequences) -> Tokens:
    """Return the contiguous region of every sequence in tokens, shape (batch,), without paging.

    Static batching reserves max_model_len, continuous batching what the reservation policy says, as
    in the PagedAttention paper (arXiv 2309.06180, section 6.1).
    """
    final = final_lengths(of)
    if of.batching == "static" or of.reservation == "max":
        return np.full_like(final, of.max_model_len)
    if of.reservation == "pow2":
        powers = 2 ** np.ceil(np.log2(np.maximum(final, 1))).astype(np.int64)
        return np.minimum(powers, of.max_model_len)
    return final


def _paged_places(of: Sequences, now: Tokens) -> Tokens:
    if of.batching == "static":  # every sequence is padded to the longest, the first
        now = np.broadcast_to(now[..., :1], now.shape)
    pages = -(-now // of.block_size)
    places: Tokens = pages.sum(axis=-1) * of.block_size
    return places
