"""Multi-head latent attention: decoding from one small latent for all heads."""

import numpy as np

from kvviz.kernels.numpy.online import OnlineSoftmax, normalise
from kvviz.kernels.numpy.paged import TILE_TOKENS, check_pages, load_tile, page_tiles, tile_buffer
from kvviz.kernels.numpy.shapes import Array, arithmetic, check_floats, softmax_scale


def mla_decode(
    q_nope: Array,
    q_rope: Array,
    kv_cache: Array,
    w_uk: Array,
    w_uv: Array,
    block_table: Array,
    seq_lens: Array,
    *,
    scale: float | None = None,
) -> Array:
    """Return the attention of one new token per sequence, in the absorbed form of MLA.

    The up-projections move to the query and the output, so that all heads attend to the cached
    latent itself and no key or value is ever expanded. Source: DeepSeek-AI, "DeepSeek-V2", 2024,
    section 2.1.2; the cache's layout is vLLM's.

    Args:
        q_nope: (batch, heads, d), the queries' part without position, float16, float32 or float64.
        q_rope: (batch, heads, r), their rotary part.
        kv_cache: (blocks, block size, c + r), a token's latent and its shared rotary key.
        w_uk: (heads, d, c), from the latent to keys.
        w_uv: (heads, d of V, c), from the latent to values.
        block_table: (batch, max blocks) int32; entries past a sequence's length are never read.
        seq_lens: (batch,) int32, tokens cached of each sequence, the new one included.
        scale: factor of the scores, 1 / sqrt(d + r) unless given.

    Returns:
        (batch, heads, d of V), the dtype of `q_nope`; zeros where a sequence has no token.

    Raises:
        ValueError: shapes, dtypes, a length beyond the table, or a block beyond the cache.
    """
    _check(q_nope, q_rope, kv_cache, w_uk, w_uv)
    check_pages(block_table, seq_lens, *kv_cache.shape[:2])
    inner, size, latent = arithmetic(q_nope.dtype), kv_cache.shape[1], w_uk.shape[-1]
    factor = softmax_scale(scale, q_nope.shape[-1] + q_rope.shape[-1])
    absorbed = np.einsum("bhd,hdc->bhc", q_nope.astype(inner), w_uk.astype(inner))
    queries = np.concatenate([absorbed, q_rope.astype(inner)], axis=-1) * factor
    blocks = max(1, TILE_TOKENS // size)
    buffer = tile_buffer([kv_cache], min(blocks, block_table.shape[1]), inner)
    attended = np.zeros_like(absorbed)  # (batch, heads, c)
    for sequence, length in enumerate(seq_lens.tolist()):
        state = OnlineSoftmax(queries.shape[1:2], latent, inner)
        for pages, seen in page_tiles(length, size, blocks, None):
            tokens = load_tile(kv_cache, block_table[sequence, pages], buffer)[seen]
            state.add(queries[sequence] @ tokens.T, tokens[:, :latent])
        attended[sequence] = normalise(state.weighted, state.total)
    output: Array = np.einsum("bhc,hvc->bhv", attended, w_uv.astype(inner))
    return output.astype(q_nope.dtype, copy=False)


def _check(q_nope: Array, q_rope: Array, kv_cache: Array, w_uk: Array, w_uv: Array) -> None:
    arrays = {
        "q_nope": (q_nope, 3),
        "q_rope": (q_rope, 3),
        "kv_cache": (kv_cache, 3),
        "w_uk": (w_uk, 3),
        "w_uv": (w_uv, 3),
    }
    for name, (array, axes) in arrays.items():
        check_floats(name, array)
        if array.ndim != axes or array.dtype != q_nope.dtype:
            raise ValueError(
                f"{name} has shape {array.shape} and dtype {array.dtype}"
                f", expected {axes} axes of {q_nope.dtype}"
            )
    heads, size = q_nope.shape[1:]
    latent = w_uk.shape[-1]
    fits = (
        q_rope.shape[:2] == q_nope.shape[:2]
        and w_uk.shape == (heads, size, latent)
        and w_uv.shape[::2] == (heads, latent)
        and kv_cache.shape[-1] == latent + q_rope.shape[-1]
    )
    if not fits:
        shapes = ", ".join(f"{name} {array.shape}" for name, (array, _) in arrays.items())
        raise ValueError(f"{shapes} do not fit together")
