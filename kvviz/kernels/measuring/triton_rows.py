"""What is measured side by side on a GPU: PyTorch's attention, FlexAttention and ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor

from kvviz.kernels.measuring.call import Call, preset_calls
from kvviz.kernels.measuring.gpu_shapes import MLA_RANK, MLA_ROPE, Filled, Latent
from kvviz.kernels.measuring.inputs import DECODE as STEP
from kvviz.kernels.measuring.inputs import Decode
from kvviz.kernels.numpy.cost import Cost
from kvviz.kernels.torch import ops as torch_ops
from kvviz.kernels.triton import decode as triton_decode
from kvviz.kernels.triton import flash as triton_flash
from kvviz.kernels.triton import mla as triton_mla
from kvviz.kernels.triton import ops as triton_ops
from kvviz.kernels.triton.decode import DecodeTile, decode_tile, plan_splits
from kvviz.kernels.triton.limits import limits
from kvviz.kernels.triton.pages import Pages, quantize

FLEX: Final = ("flex", "flex_decode")  # kernels that are compiled first
OURS: Final = "Triton"
DECODE_CUTS: Final = (
    DecodeTile(64, 4, 3, 4),
    DecodeTile(64, 4, 5, 3),
    DecodeTile(32, 4, 3, 4),
    DecodeTile(128, 4, 3, 2),
    DecodeTile(128, 8, 3, 2),
)


Shape = Filled | Decode | Latent


@dataclass(frozen=True)
class Problem:
    """One shape with random inputs, and the calls that solve it.

    Args:
        shape: the shape.
        calls: the kernels; the first output of each starts with what `exact` holds.
        exact: the start of the first sequence's output in float64, flat: its first head for
            prefill, all its heads for decode.
        kv_bytes: bytes of keys and values, 0 for prefill.
    """

    shape: Shape
    calls: Sequence[Call]
    exact: Tensor
    kv_bytes: int = 0

    def error(self, output: Any) -> float:
        """Return ‖output − exact‖ / ‖exact‖ of the part that `exact` holds."""
        first = output[0] if isinstance(output, tuple) else output
        part = first[0].flatten()[: self.exact.numel()].double()
        return float((part - self.exact).norm() / self.exact.norm())


@dataclass(frozen=True)
class Device:
    """Where the problems lie, and in which dtype."""

    device: torch.device
    dtype: torch.dtype = torch.bfloat16
    flex: bool = True

    def numbers(self, *shape: int) -> Tensor:
        """Return fresh normal numbers."""
        return torch.randn(*shape, dtype=self.dtype, device=self.device)

    def pages(self, shape: Decode | Latent) -> tuple[Tensor, Tensor, int]:
        """Return a table of pages in random order, the lengths, and how many pages there are."""
        each = -(-shape.n // shape.block_size)
        order = torch.randperm(shape.batch * each, device=self.device, dtype=torch.int32)
        lengths = torch.full((shape.batch,), shape.n, dtype=torch.int32, device=self.device)
        return order.view(shape.batch, each), lengths, shape.batch * each


def prefill(shape: Filled, cuts: Sequence[triton_flash.Tile], on: Device) -> Problem:
    """Return one shape of prefill; ours once for every cut."""
    size = (shape.batch, shape.heads, shape.n, shape.d)
    q, k, v = (on.numbers(*size) for _ in range(3))
    cost = Cost("bound", shape.flops, shape.flops // (4 * shape.d), 4 * q.nbytes, 0, None)
    calls = _others("gpu prefill", {"Q": q, "K": k, "V": v}, cost, on, causal=shape.causal)
    settings = {"causal": shape.causal, "window": None, "scale": shape.d**-0.5}
    for cut in cuts:
        calls.append(Call(named(cut), triton_flash.launch, (q, k, v, cut), settings, cost))
    one = (x[0, 0].double() for x in (q, k, v))
    return Problem(shape, calls, torch_ops.standard_attention(*one, causal=shape.causal).flatten())


def decode(shape: Decode, cuts: Sequence[DecodeTile], on: Device) -> Problem:
    """Return one shape of decode over pages, and PyTorch's over a contiguous cache."""
    table, lengths, blocks = on.pages(shape)
    q = on.numbers(shape.batch, shape.heads, shape.d)
    size = (blocks, shape.block_size, shape.kv_heads, shape.d)
    k, v = on.numbers(*size), on.numbers(*size)
    kv_bytes = shape.batch * shape.n * shape.kv_heads * 2 * shape.d * q.itemsize
    caches, cost = (Pages(k), Pages(v)), _decode_cost(shape, kv_bytes, q)
    calls = [
        Call(named(cut), _ours(shape, cut, on), (q, *caches, table, lengths), {}, cost)
        for cut in cuts
    ]
    inputs = dict(zip(STEP, (q, k, v, table, lengths), strict=True))
    calls += _others("gpu decode", inputs, cost, on)
    return Problem(shape, calls, _exact_step(q, *_first(shape, table, k, v)), kv_bytes)


def quantized(shape: Decode, scheme: str, on: Device) -> Problem:
    """Return our decode of one shape over a cache in 8 bits, compared with the numbers before."""
    table, lengths, blocks = on.pages(shape)
    q = on.numbers(shape.batch, shape.heads, shape.d)
    size = (blocks, shape.block_size, shape.kv_heads, shape.d)
    numbers = [on.numbers(*size) for _ in range(2)]
    keys, values = (quantize(cache, scheme) for cache in numbers)
    moved = sum(part.nbytes for cache in (keys, values) for part in cache if part is not None)
    cut, cost = decode_tile(keys.numbers.dtype, 2 * shape.d), _decode_cost(shape, moved, q)
    name, ours = f"{named(cut)}, KV {scheme}", _ours(shape, cut, on)
    exact = _exact_step(q, *_first(shape, table, *numbers))
    calls = [Call(name, ours, (q, keys, values, table, lengths), {}, cost)]
    return Problem(shape, calls, exact, moved)


def latent(shape: Latent, on: Device) -> Problem:
    """Return our MLA decode of one shape, over absorbed queries."""
    table, lengths, blocks = on.pages(shape)
    width = MLA_RANK + MLA_ROPE
    q, cache = (
        on.numbers(shape.batch, shape.heads, width),
        on.numbers(blocks, shape.block_size, width),
    )
    plan = triton_ops.plan_mla_decode([shape.n] * shape.batch, shape.heads, cache)
    settings = {"latent": MLA_RANK, "scale": width**-0.5}
    scores = shape.batch * shape.heads * shape.n
    kv_bytes = shape.batch * shape.n * width * q.itemsize
    moved = kv_bytes + q.nbytes + q.nbytes * MLA_RANK // width
    cost = Cost("bound", 2 * scores * (width + MLA_RANK), scores, moved, 0, None)
    name = f"{named(triton_mla.mla_tile(shape.heads, q.dtype)[1])}, MLA"
    tokens = cache[table[:1]].flatten(1, 2)[:, None, : shape.n]  # (1, 1, context, width)
    exact = _exact_step(q, tokens, tokens[..., :MLA_RANK])
    call = Call(name, triton_mla.launch, (q, cache, table, lengths, plan), settings, cost)
    return Problem(shape, [call], exact, kv_bytes)


def named(cut: triton_flash.Tile | DecodeTile) -> str:
    """Return the name of our kernel with a cut."""
    size = f"{cut.block_m} × {cut.block_n}" if isinstance(cut, triton_flash.Tile) else cut.tokens
    return f"{OURS} {size}, {cut.warps} warps, {cut.stages} stages"


def _others(
    preset: str, inputs: Mapping[str, Tensor], cost: Cost, on: Device, **settings: Any
) -> list[Call]:
    """Return PyTorch's calls of a preset, each beside the least that any kernel does."""
    calls = preset_calls(preset, "torch", inputs, None, settings, without=() if on.flex else FLEX)
    return [replace(call, cost=cost) for call in calls]


def _first(shape: Decode, table: Tensor, *caches: Tensor) -> list[Tensor]:
    """Return the first sequence's keys and values, (1, KV heads, tokens, d), without pages."""
    return [cache[table[:1]].flatten(1, 2)[:, : shape.n].transpose(1, 2) for cache in caches]


def _ours(shape: Decode, cut: DecodeTile, on: Device) -> Callable[..., Tensor]:
    """Return our decode with its plan made, as an engine makes it once for all layers."""
    slots = limits(on.device).sms * cut.resident
    plan = plan_splits([shape.n] * shape.batch, shape.kv_heads, cut.tokens, slots)
    return partial(triton_decode.launch, plan=plan, tile=cut, window=None, scale=shape.d**-0.5)


def _decode_cost(shape: Decode, kv_bytes: int, q: Tensor) -> Cost:
    scores = shape.batch * shape.heads * shape.n
    table = 4 * shape.batch * -(-shape.n // shape.block_size)
    return Cost("bound", 4 * scores * shape.d, scores, kv_bytes + 2 * q.nbytes + table, 0, None)


def _exact_step(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Return the first sequence's output, flat, for k and v (batch, KV heads, tokens, d)."""
    first = (x[0].double() for x in (q[:, :, None], k, v))
    return torch_ops.standard_attention(*first).flatten()
