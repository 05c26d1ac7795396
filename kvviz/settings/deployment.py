"""A deployment as engines see it: made from settings, or read from a log."""

from dataclasses import dataclass

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Model
from kvviz.settings.version import Version

USUAL_BLOCK: int = 16  # tokens in a block where nobody asks for another size


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model on GPUs under an engine; what is None is left to the engine's defaults.

    Args:
        model: what is served.
        gpu: on what, one of ``tp`` x ``pp``.
        tp: tensor parallel size.
        pp: pipeline parallel size.
        dcp: decode context parallel size: ranks of a tensor-parallel group that share the tokens.
        weights_dtype: of the linear weights, or ``native``.
        kv_dtype: of the KV cache, or ``auto``.
        engine: its name.
        version: of the engine, None for the newest known.
        max_model_len: tokens of prompt and output together.
        block_size: tokens in a block, as far as the engine's kernels take it.
        utilization: share of the GPU's memory that the engine may use.
        max_num_batched_tokens: tokens computed in a step at most.
        max_num_seqs: sequences running at once at most.
        prefix_caching: whether blocks of the same content are kept for later requests.
        async_scheduling: whether a step is scheduled while the one before still runs.
        kv_cache_memory_bytes: bytes of the KV cache on each GPU, instead of what is left.
        activation_gib: GiB of activations at the peak.
        non_torch_gib: GiB that CUDA and NCCL take beside PyTorch's allocator.
        cuda_graphs_gib: GiB of CUDA graphs taken before the KV cache.
        memory_bytes: the device's total, as a log has it; None for the catalog's.
        free_bytes: what was free before loading, as a log has it.
        eager: whether CUDA graphs are off.
        older_core: whether vLLM's engine before 0.8 runs, which later versions still had.
    """

    model: Model
    gpu: Gpu
    tp: int = 1
    pp: int = 1
    dcp: int = 1
    weights_dtype: str = "native"
    kv_dtype: str = "auto"
    engine: str = "textbook"
    version: Version | None = None
    max_model_len: int = 32_768
    block_size: int = USUAL_BLOCK
    utilization: float | None = None
    max_num_batched_tokens: int | None = None
    max_num_seqs: int | None = None
    prefix_caching: bool | None = None
    async_scheduling: bool | None = None
    kv_cache_memory_bytes: int | None = None
    activation_gib: float | None = None
    non_torch_gib: float | None = None
    cuda_graphs_gib: float | None = None
    memory_bytes: int | None = None
    free_bytes: int | None = None
    eager: bool = False
    older_core: bool = False
