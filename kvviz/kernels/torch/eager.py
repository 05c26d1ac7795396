"""The usual ways to write attention in PyTorch, by how many copies of the scores they hold."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def one_line(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    """Attend in one expression: what is between its steps is freed as it goes."""
    return torch.softmax(Q @ K.transpose(-1, -2) / Q.shape[-1] ** 0.5, -1) @ V


def named(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    """Attend with a name for every step, which keeps it to the end."""
    scores = Q @ K.transpose(-1, -2)
    scaled = scores / Q.shape[-1] ** 0.5
    weights = scaled.softmax(-1)
    output: Tensor = weights @ V
    return output


def in_place(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    """Attend on one copy of the scores."""
    scores = (Q * Q.shape[-1] ** -0.5) @ K.transpose(-1, -2)
    scores.sub_(scores.amax(-1, keepdim=True)).exp_()
    output: Tensor = scores.div_(scores.sum(-1, keepdim=True)) @ V
    return output


def hugging_face(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    """Attend as transformers' eager_attention_forward does, dropout off."""
    weights = torch.matmul(Q, K.transpose(2, 3)) * Q.shape[-1] ** -0.5
    weights = F.softmax(weights, dim=-1, dtype=torch.float32).to(Q.dtype)
    weights = F.dropout(weights, p=0.0, training=False)
    return torch.matmul(weights, V)


def grouped_sdpa(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend as one calls SDPA: one query a head, shared KV heads by its own option."""
    return F.scaled_dot_product_attention(q[:, :, None], keys, values, enable_gqa=True)[:, :, 0]


def without_pages(
    q: Tensor, k_cache: Tensor, v_cache: Tensor, block_table: Tensor, seq_lens: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return q, and a paged cache's keys and values as (batch, KV heads, tokens, d) without pages.

    All sequences are as long as the first.
    """
    tokens = int(seq_lens[0])
    keys, values = (_contiguous(cache, block_table, tokens) for cache in (k_cache, v_cache))
    return q, keys, values


def one_query_a_head(
    q: Tensor, k_cache: Tensor, v_cache: Tensor, block_table: Tensor, seq_lens: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the same with q as (batch, heads, 1, d)."""
    q, keys, values = without_pages(q, k_cache, v_cache, block_table, seq_lens)
    return q[:, :, None], keys, values


def _contiguous(cache: Tensor, table: Tensor, tokens: int) -> Tensor:
    """Return a paged cache as (batch, KV heads, tokens, d), on a GPU as its pages lie.

    On a CPU it lies in NumPy's memory as the paged one does: NumPy asks Linux for huge pages,
    torch does not, and reading takes a few percent longer without.
    """
    pages = cache[table.long()]  # (batch, pages, block size, KV heads, d)
    found = pages.flatten(1, 2)[:, :tokens].transpose(1, 2)
    if cache.device.type == "cpu" and cache.dtype == torch.float32:
        return torch.from_numpy(np.ascontiguousarray(found.numpy()))
    return found.contiguous() if cache.device.type == "cpu" else found
