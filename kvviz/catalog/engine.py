"""What a serving engine takes besides weights and KV cache: assumed values with their sources."""

import re
from dataclasses import dataclass
from typing import Final

from kvviz.catalog.dtypes import width
from kvviz.catalog.models.model import Model, Tensors
from kvviz.units import GiB

Version = tuple[int, int]
VLLM_LOGS: Final = (
    "start-up logs of vLLM 0.19.0 on H100, 8,192 batched tokens "
    "(github.com/jgchn/llm-d-planner, accuracy results)"
)
# What the profiling step holds whatever its logits are, beside its hidden states.
RESIDENT_GIB: Final = 0.12
TOWER_GIB: Final = 0.2  # images in the profiling step: gemma-3, Llama 4 and Kimi-VL
FORWARD_STREAMS: Final = 3  # copies of the hidden states while an MLP runs
LARGE_GPU: Final = 70 * GiB  # from here on vLLM's defaults are larger, the A100 excepted
ROCM_GIB: Final = 2.5  # vLLM 0.6 on MI300X: what its logs leave unexplained (AMD's ROCm blogs)


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that was neither computed nor measured here.

    Args:
        name: what it is.
        gib: its value in GiB.
        source: where it comes from, or that the user set it.
    """

    name: str
    gib: float
    source: str


@dataclass(frozen=True, slots=True)
class Release:
    """What changed in a vLLM release, from its first version on.

    Args:
        since: first version.
        logit_bytes: bytes that the sampler holds for each logit at its peak, the logit's own
            in the base dtype aside.
        non_torch: GiB outside torch on one GPU.
        non_torch_parallel: the same with NCCL, at tensor parallel.
        graphs: GiB of CUDA graphs taken before the KV cache has its share.
        source: the logs these come from.
    """

    since: Version
    logit_bytes: float
    non_torch: float
    non_torch_parallel: float
    graphs: float
    source: str


RELEASES: Final = (
    Release((0, 0), 24, 0.1, 0.4, 0.0, "start-up logs of vLLM 0.5 to 0.8 on T4, A100 and RTX 3090"),
    Release((0, 8), 35.5, 0.13, 0.55, 0.0, "start-up logs of vLLM 0.14 to 0.16 on H100"),
    Release((0, 17), 12, 0.25, 2.1, 0.0, VLLM_LOGS),
    # 0.19 announces that its estimate of the graphs will be subtracted by default; on H100 it
    # says 0.61 to 1.04 GiB.
    Release((0, 20), 12, 0.25, 2.1, 0.8, VLLM_LOGS),
)
V1: Final[Version] = (0, 8)
V0: Final[Version] = (0, 7)  # the last version before; later ones could still run its engine
LOGGED: Final[Version] = (0, 19)
# vLLM 0.8 to 0.10 run their older engine on GPUs below compute capability 8.0.
OLDER_ENGINE_UNTIL: Final[Version] = (0, 11)
OLDER_GPUS: Final = ("Volta", "Turing")


@dataclass(frozen=True, slots=True)
class Batch:
    """The profiling step's size: tokens computed at once, and sequences sampled at once."""

    tokens: int
    sequences: int


def read_version(text: str) -> Version | None:
    """Return major and minor of a version such as ``v0.16.1rc1.dev111``, None where it has none.

    ``0.1.dev4927`` is what a build without tags calls itself, whatever it is.
    """
    found = re.match(r"\s*v?(?!0\.1\.dev)(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def engine_version(version: Version, architecture: str) -> Version:
    """Return the version whose engine runs: the last before 0.8 on GPUs that 0.8's does not do."""
    older = architecture.startswith(OLDER_GPUS) and version < OLDER_ENGINE_UNTIL
    return min(version, V0) if older else version


def release(version: Version = LOGGED) -> Release:
    """Return the constants of a vLLM version: the last release that is not after it."""
    return [found for found in RELEASES if found.since <= version][-1]


def default_batch(
    memory: int, name: str = "", version: Version = LOGGED, max_length: int = 8192
) -> Batch:
    """Return the batch settings that vLLM's server takes when it is given none.

    Since 0.8 (``EngineArgs.get_batch_defaults``): 8,192 tokens and 1,024 sequences from 70 GiB of
    memory on, the A100 excepted, else 2,048 and 256. Before, whole prompts: as many tokens as the
    longest sequence has, at least 2,048, or chunks of 2,048 past 32,768 tokens on CUDA.

    Args:
        memory: bytes of the device.
        name: of the device, as far as it is known.
        version: of vLLM.
        max_length: tokens of the longest sequence.
    """
    if version < V1:
        chunked = max_length > 32_768 and not re.search(r"AMD|MI\d", name)
        return Batch(2048 if chunked else max(2048, max_length), 256)
    large = memory >= LARGE_GPU and "A100" not in name
    return Batch(8192, 1024) if large else Batch(2048, 256)


def activation_gib(model: Model, batch: Batch, t: int = 1, version: Version = LOGGED) -> float:
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
    """Return values a token has inside the widest layer's MLP, and in its experts' workspace.

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


def non_torch_gib(gpus: int, version: Version = LOGGED) -> float:
    """Return the assumed memory in GiB that CUDA and NCCL take outside the allocator."""
    found = release(version)
    return found.non_torch if gpus == 1 else found.non_torch_parallel
