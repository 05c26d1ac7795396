"""The knobs of a serving engine: which one, its version, and what it is told of memory."""

import param

from kvviz.settings.parameters import Named, VersionKnob


class EngineKnobs(param.Parameterized):
    """Settings of a serving engine; None leaves one to the engine's own default."""

    mode: str = Named(
        "textbook",
        names="engines",
        label="Engine",
        doc="textbook: weights and KV cache fill the GPU; otherwise that engine's own rules",
    )
    engine_version: str | None = VersionKnob(
        None,
        label="Engine version",
        doc="engine version, such as 0.33.0 (default: the newest known)",
    )
    utilization: float | None = param.Number(
        None,
        bounds=(0.0, 1.0),
        inclusive_bounds=(False, True),
        allow_None=True,
        label="Utilization",
        doc="gpu_memory_utilization: fraction of GPU memory the engine may use (default: the "
        "engine's; 1 in textbook)",
    )
    max_num_batched_tokens: int | None = param.Integer(
        None,
        bounds=(1, 16_777_216),
        softbounds=(256, 16_384),
        allow_None=True,
        label="Max batched tokens",
        doc="most tokens computed in one step (default: the engine's for the GPU)",
    )
    max_num_seqs: int | None = param.Integer(
        None,
        bounds=(1, 65_536),
        softbounds=(1, 1024),
        allow_None=True,
        label="Max sequences",
        doc="most sequences running at once (default: the engine's for the GPU)",
    )
    prefix_caching: bool | None = param.Boolean(
        None,
        allow_None=True,
        label="Prefix caching",
        doc="reuse cached blocks for requests with the same prefix (default: the engine's)",
    )
    async_scheduling: bool | None = param.Boolean(
        None,
        allow_None=True,
        label="Async scheduling",
        doc="schedule the next step while the current one runs (default: the engine's)",
    )
    dcp: int = param.Integer(
        1,
        bounds=(1, 1024),
        label="Decode context parallel",
        doc="decode context parallel size: GPUs of a TP group that split the KV cache by token",
    )
    kv_cache_memory_bytes: int | None = param.Integer(
        None,
        bounds=(0, 2**50),
        allow_None=True,
        label="KV cache memory",
        doc="KV cache bytes on each GPU, instead of all the memory that is left",
    )
    activation_gib: float | None = param.Number(
        None,
        bounds=(0, 1024),
        allow_None=True,
        label="Activation peak",
        doc="peak activation memory in GiB (default: assumed from the engine's logs)",
    )
    non_torch_gib: float | None = param.Number(
        None,
        bounds=(0, 1024),
        allow_None=True,
        label="Non-PyTorch memory",
        doc="non-PyTorch memory in GiB: CUDA context, NCCL (default: assumed from the engine's "
        "logs)",
    )
    cuda_graphs_gib: float | None = param.Number(
        None,
        bounds=(0, 1024),
        allow_None=True,
        label="CUDA graphs",
        doc="CUDA graph memory in GiB, taken before the KV cache (default: assumed)",
    )
