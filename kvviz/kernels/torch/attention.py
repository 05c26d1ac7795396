"""Attention over whole sequences on torch tensors: eager, by blocks, by tiles, and torch's own."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from kvviz.kernels.numpy.flash import BLOCK_M, BLOCK_N
from kvviz.kernels.numpy.shapes import check_count, check_state_shapes, slices, softmax_scale
from kvviz.kernels.numpy.visibility import Visibility
from kvviz.kernels.torch.online import OnlineSoftmax
from kvviz.kernels.torch.shapes import Folded, check_floats, check_inputs, folded, visible

BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Return exp(x) / sum(exp(x)) along `dim`; a slice of only -inf becomes zeros."""
    check_floats("x", x)
    return _shown_softmax(x, dim)


def standard_attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> Tensor:
    """Return softmax(Q Kᵀ · scale) V eagerly: two copies of the scores at the peak.

    Shapes, masks and errors as `kvviz.kernels.standard_attention`, float16, bfloat16, float32 or
    float64, on one device.
    """
    inputs = folded(Q, K, V, scale)
    seen = Visibility(Q.shape[-2], K.shape[-2], causal, window)
    return _rows(inputs, seen, slice(0, Q.shape[-2])).reshape(inputs.shape)


def paged_attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    block_size: int,
    *,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> Tensor:
    """Return exact attention, the scores of one block of queries at a time.

    Arguments, shapes and errors as `kvviz.kernels.paged_attention`.
    """
    size = check_count("block_size", block_size)
    inputs = folded(Q, K, V, scale)
    seen = Visibility(Q.shape[-2], K.shape[-2], causal, window)
    output = Q.new_zeros(inputs.shape)
    stacked = output.view(len(inputs.q), inputs.group, Q.shape[-2], V.shape[-1])
    for rows in slices(0, Q.shape[-2], size):
        stacked[:, :, rows] = _rows(inputs, seen, rows)
    return output


def flash_attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    *,
    block_m: int = BLOCK_M,
    block_n: int = BLOCK_N,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return exact attention and its log-sum-exp by tiles with an online softmax.

    Arguments, shapes and errors as `kvviz.kernels.flash_attention`; all heads of a tile at once.
    The running sums are float32 for 16-bit inputs.
    """
    size_m, size_n = check_count("block_m", block_m), check_count("block_n", block_n)
    inputs = folded(Q, K, V, scale)
    seen = Visibility(Q.shape[-2], K.shape[-2], causal, window)
    output = Q.new_zeros(inputs.shape)
    inner = torch.promote_types(Q.dtype, torch.float32)
    lse = torch.full(inputs.shape[:-1], -torch.inf, dtype=inner, device=Q.device)
    heads = (len(inputs.q), inputs.group, Q.shape[-2])
    for rows in slices(0, Q.shape[-2], size_m):
        out, logged = _row_of_tiles(inputs, seen, rows, size_n)
        output.view(*heads, -1)[:, :, rows], lse.view(heads)[:, :, rows] = out, logged
    return output, lse


def sdpa_attention(
    Q: Tensor,
    K: Tensor,
    V: Tensor,
    *,
    backend: str | None = None,
    causal: bool = False,
    window: int | None = None,
    scale: float | None = None,
) -> Tensor:
    """Return torch's scaled_dot_product_attention.

    Args:
        Q: (..., heads, n, d) or (n, d), on one device with K and V.
        K: (..., KV heads, keys, d) or (keys, d); KV heads divide heads.
        V: (..., KV heads, keys, d of V) or (keys, d of V).
        backend: one of `BACKENDS`, None for torch's choice.
        causal: no key after the query, the last query standing at the last key.
        window: only keys less than so many positions away.
        scale: factor of the scores, 1 / sqrt(d) unless given.

    Raises:
        ValueError: inputs that do not fit together, or that the backend does not run.
    """
    check_inputs(Q, K, V)
    if backend is not None and backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}, expected one of {', '.join(BACKENDS)}")
    seen = Visibility(Q.shape[-2], K.shape[-2], causal, window)
    square = causal and window is None and seen.queries == seen.keys
    mask = None if square else visible(seen, Q.device)
    q, k, v = (x.reshape(-1, *x.shape[-3:]) if x.ndim > 2 else x[None, None] for x in (Q, K, V))
    factor = softmax_scale(scale, Q.shape[-1])
    try:
        with sdpa_kernel(list(BACKENDS.values()) if backend is None else BACKENDS[backend]):
            output = F.scaled_dot_product_attention(
                q, k, v, mask, is_causal=square, scale=factor, enable_gqa=q.shape[1] != k.shape[1]
            )
    except RuntimeError as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(f"backend {backend} does not run this here: {reason}") from None
    return output.reshape(*Q.shape[:-1], V.shape[-1])


def merge_attn_states(
    out_a: Tensor, lse_a: Tensor, out_b: Tensor, lse_b: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the attention over two sets of keys together, from that over each.

    Shapes as `kvviz.kernels.merge_attn_states`.
    """
    check_state_shapes(out_a.shape, lse_a.shape, out_b.shape, lse_b.shape)
    lse = torch.logaddexp(lse_a, lse_b)
    shift = lse.masked_fill(lse.isneginf(), 0)
    shares = [(part - shift).exp()[..., None] for part in (lse_a, lse_b)]
    merged = out_a * shares[0] + out_b * shares[1]
    return merged.to(out_a.dtype), lse


def _rows(inputs: Folded, seen: Visibility, rows: slice) -> Tensor:
    """Return the output of a block of queries, (KV heads, group, rows, d of V)."""
    first, end = seen.span(rows.start, rows.stop)
    q = _queries(inputs, seen, rows)
    scores = torch.bmm(q, inputs.k[:, first:end].transpose(1, 2))
    shown = visible(seen, q.device, rows)
    if shown is not None:
        hidden = ~shown[:, first:end]
        scores.view(len(q), inputs.group, *hidden.shape).masked_fill_(hidden, -torch.inf)
    weights = _shown_softmax(scores) if shown is not None else scores.softmax(-1)
    del scores
    return torch.bmm(weights, inputs.v[:, first:end]).view(
        len(q), inputs.group, rows.stop - rows.start, inputs.v.shape[-1]
    )


def _row_of_tiles(
    inputs: Folded, seen: Visibility, rows: slice, size: int
) -> tuple[Tensor, Tensor]:
    """Return the output (KV heads, group, rows, d of V) and log-sum-exp of a block of queries."""
    q = _queries(inputs, seen, rows)
    state = OnlineSoftmax(q, inputs.v.shape[-1])
    shown = visible(seen, q.device, rows)
    for keys in slices(*seen.span(rows.start, rows.stop), size):
        scores = torch.bmm(q, inputs.k[:, keys].transpose(1, 2))
        if shown is not None:
            hidden = ~shown[:, keys]
            scores.view(len(q), inputs.group, *hidden.shape).masked_fill_(hidden, -torch.inf)
        state.add(scores, inputs.v[:, keys])
    heads = (len(q), inputs.group, rows.stop - rows.start)
    return state.output().to(q.dtype).view(*heads, -1), state.lse().view(heads)


def _queries(inputs: Folded, seen: Visibility, rows: slice) -> Tensor:
    """Return the scaled queries of a block, (KV heads, group · rows, d)."""
    heads, _, d = inputs.q.shape
    block = inputs.q.view(heads, inputs.group, seen.queries, d)[:, :, rows]
    return block.reshape(heads, -1, d) * inputs.scale


def _shown_softmax(scores: Tensor, dim: int = -1) -> Tensor:
    """Return the softmax, zeros where all is -inf and torch's would be NaN."""
    weights = scores.softmax(dim)
    if not scores.numel():
        return weights
    return weights.masked_fill_(scores.amax(dim, keepdim=True).isneginf(), 0)
