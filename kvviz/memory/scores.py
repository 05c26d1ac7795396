"""Attention scores: what one layer's score matrix takes in HBM during prefill."""

from collections.abc import Iterable

from kvviz.catalog.dtypes import width
from kvviz.catalog.models.model import Model
from kvviz.settings.scenario import Scenario


def score_matrix_bytes(
    scenario: Scenario, model: Model, contexts: Iterable[int], t: int = 1
) -> list[int]:
    """Return the bytes of one layer's scores at each context, on one of `t` GPUs.

    Whole prompts: batch x heads x context^2, the batch padded to the longest. Chunked prefill: one
    sequence's chunk of queries against all its keys. 0 for a model without attention. With
    FlashAttention these bytes are never written (arXiv 2205.14135).
    """
    heads = max((layer.heads for layer in model.attending_layers()), default=0) // t
    number = width(model.dtype) * scenario.score_multiple
    if scenario.prefill == "chunk":
        chunk = scenario.chunk
        return [heads * min(chunk, n) * n * number for n in contexts]
    each = scenario.batch * heads * number
    return [each * n * n for n in contexts]
