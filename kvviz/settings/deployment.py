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
        model: the model served.
        gpu: the GPU it runs on, one of ``tp`` x ``pp``.
        tp: tensor parallel size.
        pp: pipeline parallel size.
        dcp: decode context parallel size: ranks of a tensor-parallel group that share the tokens.
        weights_dtype: of the linear weights, or ``native``.
        kv_dtype: of the KV cache, or ``auto``.
        engine: its name.
        version: of the engine, None for the newest known.
        max_model_len: most tokens of prompt plus output.
        block_size: tokens in a block, as far as the engine's kernels take it.
        utilization: fraction of the GPU's memory that the engine may use.
        max_num_batched_tokens: most tokens computed in one step.
        max_num_seqs: most sequences running at once.
        prefix_caching: whether cached blocks are reused for requests with the same prefix.
        async_scheduling: whether the next step is scheduled while the current one runs.
        kv_cache_memory_bytes: KV cache bytes on each GPU, instead of all the memory that is left.
        activation_gib: GiB of activations at the peak.
        non_torch_gib: GiB that CUDA and NCCL take outside PyTorch's allocator.
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
