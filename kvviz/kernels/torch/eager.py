"""The usual ways to write attention in PyTorch, by copies of the scores apart."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def one_line(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attend in one expression: what is between its steps is freed as it goes."""
    return torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ v


def named(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attend with a name for every step, which keeps it to the end."""
    scores = q @ k.transpose(-1, -2)
    scaled = scores / q.shape[-1] ** 0.5
    weights = scaled.softmax(-1)
    output: Tensor = weights @ v
    return output


def in_place(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attend on one copy of the scores."""
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    scores.sub_(scores.amax(-1, keepdim=True)).exp_()
    output: Tensor = scores.div_(scores.sum(-1, keepdim=True)) @ v
    return output


def hugging_face(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attend as transformers' eager_attention_forward does, dropout off."""
    weights = torch.matmul(q, k.transpose(2, 3)) * q.shape[-1] ** -0.5
    weights = F.softmax(weights, dim=-1, dtype=torch.float32).to(q.dtype)
    weights = F.dropout(weights, p=0.0, training=False)
    return torch.matmul(weights, v)


def grouped_sdpa(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Attend as one calls SDPA: one query a head, shared KV heads by its own option."""
    return F.scaled_dot_product_attention(q[:, :, None], keys, values, enable_gqa=True)[:, :, 0]
