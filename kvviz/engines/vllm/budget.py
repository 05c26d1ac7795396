"""What vLLM uses besides weights and KV cache: the activation peak, fitted to start-up logs."""

from functools import lru_cache
from typing import Final

from kvviz.catalog.dtypes import width
from kvviz.catalog.models.model import Model, Tensors
from kvviz.engines.vllm.releases import NEWEST, Batch, release
from kvviz.settings.version import Version
from kvviz.units import GiB

# A constant of the profiling step, besides hidden states, forward pass and sampling.
RESIDENT_GIB: Final = 0.12
TOWER_GIB: Final = 0.2  # images in the profiling step: gemma-3, Llama 4 and Kimi-VL
FORWARD_STREAMS: Final = 3  # copies of the hidden states while an MLP runs
ROCM_GIB: Final = 2.5  # vLLM 0.6 on MI300X: what its logs leave unexplained (AMD's ROCm blogs)


@lru_cache(maxsize=4096)
def activation_gib(model: Model, batch: Batch, t: int = 1, version: Version = NEWEST) -> float:
    """Return the assumed activation peak in GiB of vLLM on one of `t` tensor-parallel GPUs.

    The larger of a forward pass over the batch's tokens (three streams of the hidden size and the
    widest layer's inner values) and of sampling every sequence (logits, their fp32 copies and what
    top-k and top-p sort), which keeps the experts' workspace; plus what stays in either. Within
    0.06 GiB of the logs of dense models; those with experts and images are 0.2 GiB apart at most.
    """
    number, hidden = width(model.dtype), model.hidden_size
    inner, workspace = _inner_values(model, t)
    forward = batch.tokens * number * (FORWARD_STREAMS * hidden + inner)
    logits = batch.sequences * model.vocab_size * (number + release(version).logit_bytes)
    sampling = logits + batch.tokens * number * workspace
    resident = batch.tokens * number * hidden
    images = 0.0 if model.tower_parameters == 0 else TOWER_GIB
    return RESIDENT_GIB + images + (resident + max(forward, sampling)) / GiB


def _inner_values(model: Model, t: int) -> tuple[float, float]:
    """Return values per token inside the widest layer's MLP, and in its experts' workspace.

    vLLM's fused experts keep two buffers: one for the first product or the result, one between.
    """
    hidden, inner, workspace = model.hidden_size, 0.0, 0.0
    layers: dict[int, list[Tensors]] = {}
    for group in model.tensors:
        if group.layer is not None:
            layers.setdefault(group.layer, []).append(group)
    for held in layers.values():
        groups = [g for g in held if g.linear]
        dense = sum(g.active for g in groups if g.part in ("mlp", "shared experts")) / hidden / t
        experts = next((g for g in groups if g.part == "experts"), None)
        routers = sum(g.count for g in held if g.part == "router")
        if experts is None or not routers:
            inner = max(inner, dense)
            continue
        used = routers // hidden * experts.active / experts.count
        wide = experts.active / used / 3 / hidden / t
        inner = max(inner, dense + used * (3 * wide + hidden))
        if experts.dtype != "mxfp4":  # its kernels gather and scatter in place
            workspace = max(workspace, used * (max(2 * wide, hidden) + wide))
    return inner, workspace


def non_torch_gib(tp: int, version: Version = NEWEST) -> float:
    """Return the assumed memory in GiB that CUDA and NCCL use outside PyTorch's allocator."""
    found = release(version)
    return found.non_torch if tp == 1 else found.non_torch_parallel
