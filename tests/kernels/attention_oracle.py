"""Attention as its definition reads, one query and one key at a time, and problems to solve."""

import math

import numpy as np
from hypothesis import strategies as st

from kvviz.kernels import reshape_and_cache


def visible(query, key, queries, keys, causal, window):
    """Whether a query may see a key; the last query stands at the last key."""
    distance = query + keys - queries - key
    near = window is None or abs(distance) < window
    return near and (distance >= 0 or not causal)


def naive_attention(Q, K, V, causal=False, window=None, scale=None):  # noqa: N803
    """Return attention and log-sum-exp in float64 of (..., heads, n, d) inputs."""
    Q, K, V = (np.asarray(array, np.float64) for array in (Q, K, V))  # noqa: N806
    if Q.ndim == 2:
        out, lse = naive_attention(Q[None], K[None], V[None], causal, window, scale)
        return out[0], lse[0]
    out = np.zeros((*Q.shape[:-1], V.shape[-1]))
    lse = np.full(Q.shape[:-1], -np.inf)
    group = Q.shape[-3] // K.shape[-3]
    factor = 1 / math.sqrt(Q.shape[-1]) if scale is None else scale
    for *batch, head, i in np.ndindex(*Q.shape[:-1]):
        kv = (*batch, head // group)
        seen = [
            j for j in range(K.shape[-2]) if visible(i, j, Q.shape[-2], K.shape[-2], causal, window)
        ]
        if not seen:
            continue
        scores = [factor * float(Q[(*batch, head, i)] @ K[kv][j]) for j in seen]
        top = max(scores)
        weights = [math.exp(score - top) for score in scores]
        out[(*batch, head, i)] = sum(w * V[kv][j] for w, j in zip(weights, seen, strict=True))
        out[(*batch, head, i)] /= sum(weights)
        lse[(*batch, head, i)] = top + math.log(sum(weights))
    return out, lse


def naive_decode(q, k_cache, v_cache, block_table, seq_lens, scale=None, window=None):
    """Return one decode step in float64, token by token through the block table."""
    size = k_cache.shape[1]
    out = np.zeros((*q.shape[:2], v_cache.shape[-1]))
    for i, length in enumerate(seq_lens):
        if not length:
            continue
        places = [(block_table[i, t // size], t % size) for t in range(length)]
        k, v = (np.array([cache[place] for place in places]) for cache in (k_cache, v_cache))
        one, _ = naive_attention(
            q[i][:, None], k.swapaxes(0, 1), v.swapaxes(0, 1), True, window, scale
        )
        out[i] = one[:, 0]
    return out


def error(out, reference, sizes=None):
    """Return ‖out − reference‖ / ‖reference‖, or ‖out‖ where the reference is zero.

    With `sizes`, the attention to the values' sizes, relative to it: where a few drawn values
    cancel, the output is smaller than what any order of summing rounds away.
    """
    reference = np.asarray(reference, np.float64)
    norm = np.linalg.norm(reference if sizes is None else sizes)
    return np.linalg.norm(np.asarray(out, np.float64) - reference) / (norm or 1)


def randn(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@st.composite
def problems(draw):
    """Draw Q, K, V and masks: any heads that share evenly, any lengths, batches, head sizes."""
    kv_heads, group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    batch = draw(st.sampled_from([(), (1,), (2,), (2, 2)]))
    n, keys = draw(st.integers(0, 13)), draw(st.integers(0, 13))
    d, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    size = draw(st.sampled_from([1.0, 1.0, 30.0]))
    q, k, v = (
        (size * rng.standard_normal((*batch, *shape))).astype(dtype)
        for shape in ((kv_heads * group, n, d), (kv_heads, keys, d), (kv_heads, keys, width))
    )
    if not batch and kv_heads * group == 1 and draw(st.booleans()):
        q, k, v = q[0], k[0], v[0]
    masks = {
        "causal": draw(st.booleans()),
        "window": draw(st.none() | st.integers(1, 15)),
        "scale": draw(st.none() | st.floats(0.01, 1)),
    }
    return (q, k, v), masks


def expected_step(q, k_cache, v_cache, *pages, window):
    """Return a decode step in float64, and the same attention to the values' sizes."""
    return (
        naive_decode(q, k_cache, values, *pages, window=window)
        for values in (v_cache, np.abs(v_cache))
    )


@st.composite
def steps(draw):
    """Draw a decode step; every page and entry that is not a sequence's own is poison."""
    lengths = draw(st.lists(st.integers(0, 30), min_size=1, max_size=4))
    size, kv_heads = draw(st.integers(1, 7)), draw(st.integers(1, 3))
    group, d, width = draw(st.integers(1, 3)), draw(st.integers(1, 8)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pages = [-(-length // size) for length in lengths]
    free = rng.permutation(sum(pages) + 3)
    table = rng.choice([-1, 10**6], (len(lengths), max([*pages, 1]) + 1)).astype(np.int32)
    k_cache = np.full((len(free), size, kv_heads, d), np.nan, np.float32)
    v_cache = np.full((len(free), size, kv_heads, width), np.nan, np.float32)
    for i, length in enumerate(lengths):
        table[i, : pages[i]], free = free[: pages[i]], free[pages[i] :]
        slots = [table[i, t // size] * size + t % size for t in range(length)]
        fresh = rng.standard_normal((length, kv_heads, d + width)).astype(np.float32)
        reshape_and_cache(
            fresh[..., :d], fresh[..., d:], k_cache, v_cache, np.array(slots, np.int64)
        )
    q = rng.standard_normal((len(lengths), kv_heads * group, d)).astype(np.float32)
    window = draw(st.none() | st.integers(1, 20))
    return (q, k_cache, v_cache, table, np.array(lengths, np.int32)), window
