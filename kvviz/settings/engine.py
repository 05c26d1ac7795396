"""The knobs of a serving engine: which one, its version, and what it is told of memory."""

import param

from kvviz.settings.parameters import Named, VersionKnob


class EngineKnobs(param.Parameterized):
    """What an engine is told; None leaves it to the engine's own default."""

    mode: str = Named(
        "textbook",
        names="engines",
        label="Engine",
        doc="textbook: weights and KV cache fill the GPU; else a serving engine's own rules",
    )
    engine_version: str | None = VersionKnob(
        None,
        label="Engine version",
        doc="version of the engine, such as 0.33.0 (default: the newest known)",
    )
    utilization: float | None = param.Number(
        None,
        bounds=(0.0, 1.0),
        inclusive_bounds=(False, True),
        allow_None=True,
        label="Utilization",
        doc="share of the GPU's memory that may be used (default: the engine's; 1 in textbook)",
    )
    max_num_batched_tokens: int | None = param.Integer(
        None,
        bounds=(1, 16_777_216),
        softbounds=(256, 16_384),
        allow_None=True,
        label="Max batched tokens",
        doc="tokens computed in a step at most (default: the engine's for the GPU)",
    )
    max_num_seqs: int | None = param.Integer(
        None,
        bounds=(1, 65_536),
        softbounds=(1, 1024),
        allow_None=True,
        label="Max sequences",
        doc="sequences running at once at most (default: the engine's for the GPU)",
    )
    prefix_caching: bool | None = param.Boolean(
        None,
        allow_None=True,
        label="Prefix caching",
        doc="keep blocks of the same content for later requests (default: the engine's)",
    )
    async_scheduling: bool | None = param.Boolean(
        None,
        allow_None=True,
        label="Async scheduling",
        doc="schedule a step while the one before still runs (default: the engine's)",
    )
    dcp: int = param.Integer(
        1,
        bounds=(1, 1024),
        label="Decode context parallel",
        doc="GPUs of a tensor-parallel group that share the tokens of the KV cache",
    )
    kv_cache_memory_bytes: int | None = param.Integer(
        None,
        bounds=(0, 2**50),
        allow_None=True,
        label="KV cache memory",
        doc="bytes of the KV cache on each GPU, instead of what is left",
    )
    activation_gib: float | None = param.Number(
        None,
        bounds=(0, 1024),
        allow_None=True,
        label="Activation peak",
        doc="GiB of activations at the engine's peak (default: assumed from its logs)",
    )
    non_torch_gib: float | None = param.Number(
        None,
        bounds=(0, 1024),
        allow_None=True,
        label="Non-PyTorch memory",
        doc="GiB of the CUDA context and NCCL (default: assumed from the engine's logs)",
    )
    cuda_graphs_gib: float | None = param.Number(
        None,
        bounds=(0, 1024),
        allow_None=True,
        label="CUDA graphs",
        doc="GiB of CUDA graphs captured before the KV cache (default: assumed)",
    )
