"""Attention by blocks of queries: exact, and the older report's two that leave keys out."""

from collections.abc import Iterator

from kvviz.kernels.kernel import Backend, Inputs, Kernel, Row
from kvviz.kernels.numpy import cost
from kvviz.kernels.numpy.blocked import (
    block_prefix_attention,
    local_block_attention,
    paged_attention,
    paged_blocks,
)
from kvviz.kernels.numpy.shapes import Array
from kvviz.kernels.numpy.textbook import textbook_block_prefix_attention, textbook_local_attention
from kvviz.kernels.torch import peaks

BLOCK = {"block_size": 128}
REPORT, FIT = {"block_size": 20}, {"block_size": 32}


def _blocked(inputs: Inputs) -> cost.Cost:
    s = cost.sizes(inputs)
    return cost.blocked(s, cost.query_spans(s, inputs["block_size"]))


def _steps(Q: Array, K: Array, V: Array, block: int) -> Iterator[int]:
    """Yield the block of queries that is worked on."""
    blocks = paged_blocks(Q, K, V, block, causal=True)
    next(blocks)  # before the first one
    for number, _ in enumerate(blocks):
        yield number


KERNELS = (
    Kernel(
        name="paged",
        label="Paged",
        note="blocks of queries, not of KV cache",
        task="prefill",
        backends=(
            Backend(
                "numpy",
                paged_attention,
                rows=(
                    Row("report", "paged, exact", REPORT),
                    Row("report fit", "paged, exact", FIT),
                    Row("prefill", "NumPy paged (blocks of queries)", BLOCK),
                    Row("memory", "NumPy paged, 128 queries", BLOCK),
                    Row("page"),
                ),
                blocks=("block_size",),
            ),
            Backend(
                "torch",
                "kvviz.kernels.torch.attention:paged_attention",
                rows=(Row("page"),),
                blocks=("block_size",),
                peak=peaks.blocks,
            ),
        ),
        cost=_blocked,
        steps=_steps,
        order=40,
    ),
    Kernel(
        name="block_prefix",
        label="Block prefix",
        note="keys up to the end of the query's block: an approximation",
        task="prefill",
        backends=(
            Backend(
                "numpy",
                block_prefix_attention,
                rows=(Row("report", "block prefix, in place", REPORT),),
            ),
        ),
        cost=lambda inputs: cost.blocked(cost.sizes(inputs), cost.prefixes(inputs)),
        order=30,
    ),
    Kernel(
        name="local_blocks",
        label="Local blocks",
        note="keys of the query's block and a few around it: an approximation",
        task="prefill",
        backends=(
            Backend(
                "numpy",
                local_block_attention,
                rows=(
                    Row("report fit", "local blocks, in place", FIT),
                    Row("report fit", "local blocks, overlap 32", FIT | {"overlap": 32}),
                ),
            ),
        ),
        cost=lambda inputs: cost.blocked(cost.sizes(inputs), cost.neighbourhoods(inputs)),
        order=31,
    ),
    Kernel(
        name="textbook_block_prefix",
        label="Block prefix as written",
        note="an older report's paged attention, as written",
        task="prefill",
        backends=(
            Backend(
                "numpy",
                textbook_block_prefix_attention,
                rows=(Row("report", "paged, as written", REPORT),),
            ),
        ),
        cost=lambda inputs: cost.textbook_blocks(cost.sizes(inputs), cost.prefixes(inputs)),
        order=11,
    ),
    Kernel(
        name="textbook_local_blocks",
        label="Local blocks as written",
        note="attention inside blocks, as written",
        task="prefill",
        backends=(
            Backend(
                "numpy",
                textbook_local_attention,
                rows=(Row("report fit", "local blocks, as written", FIT),),
            ),
        ),
        cost=lambda inputs: cost.textbook_blocks(cost.sizes(inputs), cost.neighbourhoods(inputs)),
        order=12,
    ),
)
