"""What an engine logged at the start of a run, as values; None is what it did not log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Cause = Literal[
    "no_blocks",  # weights and activations leave nothing for the KV cache
    "sequence_too_long",  # logged in tokens
    "cache_too_small",  # the same, logged in GiB
    "out_of_memory",
    "taken_by_others",
    "share_too_small",
    "unknown_architecture",
    "unsupported_dtype",
    "unnamed",
]
Span = tuple[int, int, int]  # of a figure: line number, first column, column after the last


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a start failed, as the log says it.

    Args:
        cause: what went wrong.
        line: the log line, shortened.
        length: max_model_len, in tokens.
        tokens: tokens that the KV cache holds.
        needed_gib: GiB that were asked for.
        free_gib: GiB that were available.
        total_gib: GiB of the device.
    """

    cause: Cause
    line: str
    length: int | None = None
    tokens: int | None = None
    needed_gib: float | None = None
    free_gib: float | None = None
    total_gib: float | None = None


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run as logged. Fields have the names of the columns of a table of logs.

    Of several ranks' figures, the tightest GPU's is used.

    Args:
        engine: its name in settings.
        engine_version: as the engine spells it, ``v0.16.1rc1.dev111``.
        older_core: whether vLLM's engine before 0.8 ran, which later versions still had.
        model: as the user named it.
        gpu: as the driver names it.
        dtype: that the model is computed in.
        quantization: how the weights are stored.
        kv_dtype: of the KV cache.
        tp: tensor parallel size.
        pp: pipeline parallel size.
        gpu_memory_utilization: fraction of the memory that the engine may use.
        max_model_len: tokens of the longest sequence.
        block_size: tokens per block, as set.
        max_num_batched_tokens: most tokens per step.
        max_num_seqs: most sequences running at once.
        eager: whether CUDA graphs are off.
        lora: whether LoRA slots are loaded beside the weights.
        cap: the setting that fixes the KV cache size whatever the memory, in one phrase.
        total_gpu_memory_gib: of the device.
        free_before_gib: free before the weights were loaded.
        requested_gib: memory that the engine may use.
        weights_gib: memory used by loading the model.
        activation_peak_gib: of the profiling step.
        non_torch_gib: of CUDA and NCCL, outside PyTorch's allocator.
        cuda_graphs_gib: estimated before the KV cache is sized.
        captured_graphs_gib: used by the captured graphs, after the KV cache is allocated.
        states_gib: of recurrent layers, if they have a pool of their own.
        kv_cache_gib: of the KV cache; may be negative.
        kv_cache_of_ranks: the same of each rank, in the order of the lines.
        gpu_blocks: whole blocks in it.
        kv_tokens: tokens that the engine says it holds.
        max_concurrency: sequences of ``concurrency_at`` tokens that it says it holds.
        concurrency_at: tokens of a sequence, as printed beside the concurrency.
        bytes_per_token_observed: bytes per token in the KV cache of one GPU.
        failure: why the start failed, None if it did not.
        spans: where each figure is in the log.
        unread: fields given with an invalid value, and what is wrong with it.
    """

    engine: str
    engine_version: str = ""
    older_core: bool = False
    model: str = ""
    gpu: str = ""
    dtype: str = ""
    quantization: str = ""
    kv_dtype: str = ""
    tp: int | None = None
    pp: int | None = None
    gpu_memory_utilization: float | None = None
    max_model_len: int | None = None
    block_size: int | None = None
    max_num_batched_tokens: int | None = None
    max_num_seqs: int | None = None
    eager: bool | None = None
    lora: bool = False
    cap: str = ""
    total_gpu_memory_gib: float | None = None
    free_before_gib: float | None = None
    requested_gib: float | None = None
    weights_gib: float | None = None
    activation_peak_gib: float | None = None
    non_torch_gib: float | None = None
    cuda_graphs_gib: float | None = None
    captured_graphs_gib: float | None = None
    states_gib: float | None = None
    kv_cache_gib: float | None = None
    kv_cache_of_ranks: tuple[float, ...] = ()
    gpu_blocks: int | None = None
    kv_tokens: int | None = None
    max_concurrency: float | None = None
    concurrency_at: int | None = None
    bytes_per_token_observed: float | None = None
    failure: Failure | None = None
    spans: tuple[Span, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
