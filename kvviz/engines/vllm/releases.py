"""What changed between vLLM's releases: defaults by version and GPU, and constants from logs."""

import re
from dataclasses import dataclass
from typing import Final

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.settings.version import Version
from kvviz.units import GiB

# The first version with each rule, and the rule: from the source of the released wheels for 0.20.0
# to 0.33.0, from start-up logs for earlier versions.
V1: Final[Version] = (0, 8, 0)  # today's engine core; earlier, and on older GPUs, another one
PROFILES_GRAPHS: Final[Version] = (
    0,
    20,
    0,
)  # graphs are subtracted from the budget; utilization 0.92
PRINTS_CONCURRENCY: Final[Version] = (0, 20, 1)  # printed tokens = concurrency x max_model_len
SCALES_BLOCKS: Final[Version] = (0, 24, 0)  # a smaller page gets more tokens instead of padding
ALIGNS_STATES: Final[Version] = (0, 24, 0)  # prefix caching keeps a second state
TWO_BATCHES: Final[Version] = (0, 26, 0)  # windows hold two batches; hybrids cache prefixes
LARGEST_BATCH: Final[Version] = (0, 28, 0)  # 16,384 tokens at 160 GiB or more
SPARES_A_BLOCK: Final[Version] = (0, 29, 0)  # a start needs one block more, the null block
MAMBA2_CHECKPOINT: Final[Version] = (0, 32, 0)  # Mamba-2 keeps a third state
GDN_CHECKPOINT: Final[Version] = (0, 33, 0)  # so does Gated DeltaNet, in blocks of 64
NEWEST: Final[Version] = (0, 33, 0)
UNDATED: Final[Version] = (
    0,
    19,
    0,
)  # for a log that does not name its version; most are older than 0.20

VERSIONS: Final[tuple[Version, ...]] = (
    (0, 5, 0),
    V1,
    (0, 17, 0),
    PROFILES_GRAPHS,
    PRINTS_CONCURRENCY,
    SCALES_BLOCKS,
    TWO_BATCHES,
    LARGEST_BATCH,
    SPARES_A_BLOCK,
    MAMBA2_CHECKPOINT,
    GDN_CHECKPOINT,
)
"""First version of each supported range."""

LAST: Final[dict[str, tuple[Version, Version]]] = {"minimax_m1": ((0, 24, 0), (0, 23, 0))}
"""Families that vLLM no longer runs: the first version without them, and the last with them."""

OLDER_ENGINE: Final[Version] = (0, 7, 0)  # the last before V1; 0.8 to 0.10 could still run it
OLDER_ENGINE_UNTIL: Final[Version] = (0, 11, 0)
LARGE_GPU: Final = 70 * GiB  # at or above it defaults are larger, except on the A100
LARGEST_GPU: Final = 160 * GiB
VLLM_LOGS: Final = (
    "start-up logs of vLLM 0.19.0 on H100, 8,192 batched tokens "
    "(github.com/jgchn/llm-d-planner, accuracy results)"
)


@dataclass(frozen=True, slots=True)
class Release:
    """Constants from start-up logs, for a release and those after it.

    Args:
        since: first version.
        logit_bytes: bytes per logit that the sampler holds at its peak, besides the logit's own
            in the base dtype.
        non_torch: GiB of CUDA and NCCL on one GPU.
        non_torch_parallel: the same at tensor parallel.
        graphs: GiB of CUDA graphs that are subtracted from the KV cache budget.
        source: the logs these come from.
    """

    since: Version
    logit_bytes: float
    non_torch: float
    non_torch_parallel: float
    graphs: float
    source: str


RELEASES: Final = (
    Release(
        (0, 0, 0), 24, 0.1, 0.4, 0.0, "start-up logs of vLLM 0.5 to 0.8 on T4, A100 and RTX 3090"
    ),
    Release(V1, 35.5, 0.13, 0.55, 0.0, "start-up logs of vLLM 0.14 to 0.16 on H100"),
    Release((0, 17, 0), 12, 0.25, 2.1, 0.0, VLLM_LOGS),
    # 0.19 announces that its estimate of the graphs will be subtracted by default; on H100 it
    # logs 0.61 to 1.04 GiB.
    Release(PROFILES_GRAPHS, 12, 0.25, 2.1, 0.8, VLLM_LOGS),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """The size of a step: tokens computed at once, and sequences running at once."""

    tokens: int
    sequences: int


@dataclass(frozen=True, slots=True)
class BatchDefault:
    """Default batch settings of vLLM's API server since a version, on GPUs of a memory size.

    Args:
        since: first version.
        memory: bytes of the smallest device that they apply to.
        batch: the settings.
        source: where vLLM sets them.
    """

    since: Version
    memory: int
    batch: Batch
    source: str


_ARGS: Final = "vLLM, EngineArgs.get_batch_defaults, API server"
BATCHES: Final = (
    BatchDefault(V1, 0, Batch(2048, 256), _ARGS),
    BatchDefault(V1, LARGE_GPU, Batch(8192, 1024), f"{_ARGS}; except the A100"),
    BatchDefault(LARGEST_BATCH, LARGEST_GPU, Batch(16_384, 1024), f"{_ARGS}, since 0.28"),
)
UTILIZATION: Final = (((0, 0, 0), 0.9), (PROFILES_GRAPHS, 0.92))
"""Default gpu_memory_utilization since a version."""

# One image with bidirectional attention must fit into one step: seen on vLLM 0.33.
IMAGE_TOKENS: Final[dict[str, int]] = {"gemma4": 2496}


def release(version: Version) -> Release:
    """Return the constants of a version: the last release that is not after it."""
    return next(found for found in reversed(RELEASES) if found.since <= version)


def default_utilization(version: Version) -> float:
    """Return vLLM's default fraction of the device's memory."""
    return next(share for since, share in reversed(UTILIZATION) if since <= version)


def default_batch(
    memory: int,
    name: str = "",
    version: Version = NEWEST,
    max_model_len: int = 8192,
    family: str = "",
) -> tuple[Batch, str]:
    """Return the default batch settings of vLLM's API server, and their source.

    Before 0.8, whole prompts: max_model_len tokens, at least 2,048; on CUDA, chunks of 2,048 if
    max_model_len is above 32,768. Since 0.8 by the device's memory, at most the default
    max_num_seqs times max_model_len tokens.

    Args:
        memory: bytes of the device.
        name: of the device, empty if it is not known.
        version: of vLLM.
        max_model_len: tokens of the longest sequence.
        family: the model's.
    """
    if version < V1:
        chunked = max_model_len > 32_768 and not re.search(r"AMD|MI\d", name)
        tokens = 2048 if chunked else max(2048, max_model_len)
        return Batch(tokens, 256), "vLLM before 0.8: whole prompts, or chunks of 2,048 tokens"
    memory = 0 if "A100" in name else memory
    found = next(b for b in reversed(BATCHES) if b.since <= version and b.memory <= memory)
    tokens = max(found.batch.tokens, IMAGE_TOKENS.get(family, 0))
    tokens = min(tokens, found.batch.sequences * max_model_len)
    return Batch(tokens, min(found.batch.sequences, tokens)), found.source


def running_version(version: Version, gpu: Gpu, older_core: bool = False) -> Version:
    """Return the version whose engine core runs: at most 0.7 if the GPU needs the older one."""
    if older_core:
        return min(version, OLDER_ENGINE)
    older = (gpu.compute_capability or (8, 0)) < (8, 0) and version < OLDER_ENGINE_UNTIL
    return min(version, OLDER_ENGINE) if older else version
