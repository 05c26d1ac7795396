"""vLLM, from 0.5 to 0.33: how it uses a GPU's memory, and cuts the KV cache into blocks."""

from collections.abc import Hashable
from functools import lru_cache

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Model
from kvviz.engines.base import Assumption, Limits, Taken, gib_bytes
from kvviz.engines.failures import failure_in
from kvviz.engines.layout import Layout, Numbers
from kvviz.engines.logged import Failure, LoggedRun
from kvviz.engines.vllm.budget import ROCM_GIB, activation_gib, non_torch_gib
from kvviz.engines.vllm.groups import stage_layouts
from kvviz.engines.vllm.log import FAILURES, LINES, derived
from kvviz.engines.vllm.releases import (
    LAST,
    NEWEST,
    PRINTS_CONCURRENCY,
    TWO_BATCHES,
    UNDATED,
    V1,
    VERSIONS,
    Batch,
    default_batch,
    default_utilization,
    release,
    running_version,
)
from kvviz.engines.vllm.specs import CacheSettings
from kvviz.settings.deployment import Deployment
from kvviz.settings.version import Version, spelled
from kvviz.shards.cache import has_states
from kvviz.shards.loaded import computed_in, loaded, tower_bytes
from kvviz.shards.split import stage_starts
from kvviz.units import GiB


class Vllm:
    """The rules of every supported version; the newest is the default."""

    name = "vllm"
    label = "vLLM"
    versions = VERSIONS
    newest = NEWEST
    assumes = True
    share_of = "total"
    refuses = "vLLM would not start"

    def limits(self, deployment: Deployment) -> Limits:
        """Return the limits of a deployment: as set, else the defaults of version and GPU."""
        version, model = _version(deployment), deployment.model
        memory, name = self.memory(deployment), deployment.gpu.name
        usual, source = default_batch(memory, name, version, deployment.max_model_len, model.family)
        share, caching = deployment.utilization, deployment.prefix_caching
        ahead = deployment.async_scheduling
        tokens = deployment.max_num_batched_tokens
        hybrid = has_states(model)
        return Limits(
            utilization=default_utilization(version) if share is None else share,
            max_num_batched_tokens=tokens or usual.tokens,
            max_num_seqs=deployment.max_num_seqs or min(usual.sequences, tokens or usual.tokens),
            prefix_caching=version >= (TWO_BATCHES if hybrid else V1)
            if caching is None
            else caching,
            async_scheduling=version >= TWO_BATCHES if ahead is None else ahead,
            source=source,
        )

    def logged_without_version(self, prints_concurrency: bool) -> Version | None:
        """Return the version that is assumed for a log that does not name one."""
        return PRINTS_CONCURRENCY if prints_concurrency else UNDATED

    def default_share(self, version: Version | None) -> float | None:
        """Return the default utilization of a version, None if it depends on the GPU."""
        return default_utilization(version or NEWEST)

    def alike(self, gpu: Gpu) -> Hashable:
        """Return a key of GPUs with the same kernels and default batches."""
        capability, memory = gpu.compute_capability, gpu.cuda_bytes
        batches = tuple(default_batch(memory, gpu.name, v)[0] for v in (V1, NEWEST))
        return batches, capability and (capability[0], capability < (8, 0)), gpu.vendor

    def served(self, model: Model) -> Model:
        """Return the model in the dtype that vLLM computes in: float32 checkpoints in bf16."""
        return computed_in(model, "bf16") if model.dtype == "fp32" else model

    def memory(self, deployment: Deployment) -> int:
        """Return the device's total: as logged, else as CUDA reports it."""
        if deployment.memory_bytes is not None:
            return deployment.memory_bytes
        return deployment.gpu.cuda_bytes

    def taken(self, deployment: Deployment) -> Taken:
        """Return what one GPU holds besides weights and KV cache."""
        version, t = _version(deployment), deployment.tp
        beside = loaded(deployment.model, t, deployment.pp).beside
        limits, found = self.limits(deployment), release(version)
        batch = Batch(limits.max_num_batched_tokens, limits.max_num_seqs)
        peak = activation_gib(deployment.model, batch, t, version)
        graphs = 0.0 if deployment.eager else release(deployment.version or NEWEST).graphs
        parts = (
            _part("activation peak", deployment.activation_gib, peak, found.source),
            _part(
                "non-PyTorch memory", deployment.non_torch_gib, _non_torch(deployment), found.source
            ),
            _part("CUDA graphs", deployment.cuda_graphs_gib, graphs, found.source),
        )
        told = (*parts, *_tower(deployment))
        activation, other, captured = (gib_bytes(part.gib) for part in parts)
        return Taken(beside, activation, other, captured, told)

    def cache(self, deployment: Deployment, left: Numbers) -> Numbers:
        """Return all that is left."""
        return left

    def layouts(self, deployment: Deployment) -> tuple[Layout | None, ...]:
        """Return how each pipeline stage cuts its KV cache into blocks."""
        version, limits = _version(deployment), self.limits(deployment)
        capability = deployment.gpu.compute_capability
        settings = CacheSettings(
            model=deployment.model,
            major=capability[0] if capability else None,
            kv_dtype=deployment.kv_dtype,
            t=deployment.tp,
            asked=deployment.block_size,
            prefix_caching=limits.prefix_caching,
            version=version,
            dcp=deployment.dcp,
        )
        batches = concurrent_batches(version, limits.async_scheduling, deployment.pp)
        return _layouts(settings, deployment.pp, batches * limits.max_num_batched_tokens)

    def unsupported(self, deployment: Deployment) -> str:
        """Return why vLLM cannot run the deployment at all, empty if it can."""
        model, version = deployment.model, _version(deployment)
        without, last = LAST.get(model.family, (None, None))
        if without and last and version >= without:
            return (
                f"vLLM {spelled(version)} does not run {model.name}; expected {spelled(last)}, the "
                f"last version that does"
            )
        windows = any(layer.window for layer in model.layers)
        if deployment.dcp > 1 and windows:
            return (
                f"decode context parallel {deployment.dcp} does not work with the windowed layers "
                f"of {model.name}; expected 1"
            )
        return ""

    def reason(self, quantity: str, model: Model, too_low: bool) -> str:
        """Return the likely reason why a prediction differs from a log."""
        batch = "batch settings are not logged; assumed the version's defaults"
        return batch if quantity == "kv_tokens" else ""

    def notes(self, deployment: Deployment) -> tuple[str, ...]:
        """Return the settings that vLLM changes."""
        layout = next((found for found in self.layouts(deployment) if found), None)
        asked, block = deployment.block_size, layout.block_size if layout else 0
        if not layout or asked == block:
            return ()
        name = deployment.model.name
        return (f"vLLM uses blocks of {block:,} tokens for {name}, not {asked:,}",)

    def read(self, log: str) -> LoggedRun | None:
        """Return what a start-up log says, None if no line of it is vLLM's."""
        return LINES.read(self, log, derived)

    def failure(self, line: str) -> Failure | None:
        """Return why a start failed if a line of the log says so, else None."""
        return failure_in(line, FAILURES)


def concurrent_batches(version: Version, async_scheduling: bool, pp: int) -> int:
    """Return the most steps in flight at once (``max_concurrent_batches``)."""
    return pp + 1 if async_scheduling and version >= TWO_BATCHES else pp


@lru_cache(maxsize=4096)
def _layouts(settings: CacheSettings, pp: int, in_flight: int) -> tuple[Layout | None, ...]:
    starts = stage_starts(len(settings.model.layers), pp).tolist()
    return stage_layouts(settings, starts, in_flight)


def _version(deployment: Deployment) -> Version:
    return running_version(deployment.version or NEWEST, deployment.gpu, deployment.older_core)


def _non_torch(deployment: Deployment) -> float:
    version = _version(deployment)
    if version < V1 and deployment.gpu.vendor == "AMD":
        return ROCM_GIB
    return non_torch_gib(deployment.tp, version)


def _tower(deployment: Deployment) -> tuple[Assumption, ...]:
    """Return the vision tower's size, which is loaded beside the text model."""
    size = tower_bytes(deployment.model, deployment.tp)
    source = "counted from the config's vision_config"
    return (Assumption("vision tower", size / GiB, source),) if size else ()


def _part(name: str, own: float | None, usual: float, source: str) -> Assumption:
    if own is not None:
        return Assumption(name, own, "set by the user")
    return Assumption(name, usual, source)


ENGINE = Vllm()
