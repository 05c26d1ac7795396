"""Attention as its definition reads, one query and one key at a time, for tests to compare with."""

import math

import numpy as np


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


def error(out, reference):
    """Return ‖out − reference‖ / ‖reference‖, or ‖out‖ where the reference is zero."""
    reference = np.asarray(reference, np.float64)
    norm = np.linalg.norm(reference)
    return np.linalg.norm(np.asarray(out, np.float64) - reference) / (norm or 1)
