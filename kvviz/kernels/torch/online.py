"""Softmax over keys that arrive tile by tile, on torch tensors."""

import torch
from torch import Tensor


class OnlineSoftmax:
    """The weighted sum of values over the tiles seen so far (Milakov & Gimelshein, 2018).

    `maximum` and `total` are the running maximum and sum of exponentials, each (heads, rows, 1);
    `weighted` (heads, rows, width) is the sum of values not yet divided by `total`. All are float32
    for 16-bit queries q (heads, rows, d).
    """

    def __init__(self, q: Tensor, width: int) -> None:
        inner = torch.promote_types(q.dtype, torch.float32)
        self.total = torch.zeros(*q.shape[:2], 1, dtype=inner, device=q.device)
        self.maximum = torch.full_like(self.total, -torch.inf)
        self.weighted = self.total.new_zeros(*q.shape[:2], width)

    def add(self, scores: Tensor, values: Tensor) -> None:
        """Take in a tile: scores (heads, rows, columns) and values (heads, columns, width)."""
        scores = scores.to(self.total.dtype)
        highest = torch.maximum(self.maximum, scores.amax(-1, keepdim=True))
        shift = highest.masked_fill(highest.isneginf(), 0)
        weights, kept = scores.sub_(shift).exp_(), (self.maximum - shift).exp_()
        self.total.mul_(kept).add_(weights.sum(-1, keepdim=True))
        self.weighted.mul_(kept).add_(torch.bmm(weights.to(values.dtype), values))
        self.maximum = highest

    def output(self) -> Tensor:
        """Return the softmax-weighted values, zero where no key was seen."""
        return self.weighted / self.total.masked_fill(self.total == 0, 1)

    def lse(self) -> Tensor:
        """Return the log-sum-exp, (heads, rows), -inf where no key was seen."""
        shift = self.maximum.masked_fill(self.maximum.isneginf(), 0)
        return (shift + self.total.log())[..., 0]
