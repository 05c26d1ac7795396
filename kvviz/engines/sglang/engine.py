"""SGLang: a fraction of what is free before loading, states set aside, one token per slot."""

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Model
from kvviz.engines.base import Assumption, Limits, Taken
from kvviz.engines.failures import failure_in
from kvviz.engines.layout import Layout, Numbers
from kvviz.engines.logged import Failure, LoggedRun
from kvviz.engines.plain import NO_WINDOW, PlainLayout
from kvviz.engines.sglang.log import FAILURES, LINES, derived
from kvviz.settings.deployment import Deployment
from kvviz.settings.version import Version
from kvviz.shards.cache import cache_width, has_states, layer_kv_bytes
from kvviz.shards.loaded import loaded
from kvviz.shards.split import stage_starts
from kvviz.units import GiB, MiB

NEWEST: Final[Version] = (0, 5, 23)
CONTEXT_GIB: Final = 0.5  # the CUDA context, before anything is loaded; assumed
STATES: Final = 0.9  # recurrent states / KV cache, in bytes: mamba_full_memory_ratio
RUNNING: Final = 2048  # max_running_requests at least, if it is not set
SOURCE: Final = "SGLang 0.5.23, ServerArgs' defaults by the GPU's memory"
GRAPH_SIZES: Final = (  # token counts that prefill graphs are captured for
    range(4, 33, 4),
    range(48, 257, 16),
    range(288, 513, 32),
    range(576, 1025, 64),
    range(1280, 4097, 256),
    range(4608, 16_385, 512),
)


@dataclass(frozen=True, slots=True)
class GpuClass:
    """SGLang's defaults for GPUs below a memory size.

    Args:
        below: MiB of the device.
        chunk: tokens per prefill chunk.
        graphs: largest batch of the decode graphs, at a tensor parallel size below 4.
        graphs_parallel: the same at 4 or more.
    """

    below: float
    chunk: int
    graphs: int
    graphs_parallel: int


CLASSES: Final = (
    GpuClass(20 * 1024, 2048, 8, 8),
    GpuClass(35 * 1024, 4096, 48, 160),
    GpuClass(60 * 1024, 4096, 32, 160),
    GpuClass(160 * 1024, 8192, 256, 512),
    GpuClass(float("inf"), 16_384, 512, 512),
)


class Sglang:
    """SGLang's rules, as far as they are known: windows and draft models are not modelled."""

    name = "sglang"
    label = "SGLang"
    versions = (NEWEST,)
    newest = NEWEST
    assumes = True
    share_of = "free before loading"
    refuses = "SGLang would not start"

    def limits(self, deployment: Deployment) -> Limits:
        """Return the limits of a deployment: as set, else the defaults for the GPU's memory."""
        share, caching = deployment.utilization, deployment.prefix_caching
        usual = _gpu_class(deployment.gpu)
        return Limits(
            utilization=default_share(deployment) if share is None else share,
            max_num_batched_tokens=deployment.max_num_batched_tokens or usual.chunk,
            max_num_seqs=deployment.max_num_seqs or RUNNING,
            prefix_caching=True if caching is None else caching,
            async_scheduling=True,
            source=SOURCE,
        )

    def logged_without_version(self, prints_concurrency: bool) -> Version | None:
        """Return the version that is assumed for a log that does not name one."""
        return NEWEST

    def default_share(self, version: Version | None) -> float | None:
        """Return the default utilization of a version, None if it depends on the GPU."""
        return None

    def alike(self, gpu: Gpu) -> Hashable:
        """Return the GPU's memory size: the default utilization depends on it."""
        return gpu.reported_mib

    def served(self, model: Model) -> Model:
        """Return the model unchanged."""
        return model

    def memory(self, deployment: Deployment) -> int:
        """Return what is free before loading.

        SGLang subtracts what is outside the fraction from what is free after loading
        (``profile_max_num_token``); that equals the fraction less the weights.
        """
        total = deployment.memory_bytes or deployment.gpu.cuda_bytes
        return deployment.free_bytes or int(total - CONTEXT_GIB * GiB)

    def taken(self, deployment: Deployment) -> Taken:
        """Return what is loaded beside the text model; all else is outside the fraction."""
        beside = loaded(deployment.model, deployment.tp, deployment.pp).beside
        if deployment.free_bytes:
            return Taken(beside)
        context = Assumption("CUDA context", CONTEXT_GIB, "before anything is loaded")
        return Taken(beside, assumptions=(context,))

    def cache(self, deployment: Deployment, left: Numbers) -> Numbers:
        """Return what is left for the KV cache besides the states of recurrent layers."""
        return left - left * states_share(deployment.model)

    def layouts(self, deployment: Deployment) -> tuple[Layout | None, ...]:
        """Return how each pipeline stage keeps tokens: one per slot, in every layer that caches."""
        model, t = deployment.model, deployment.tp
        number = cache_width(model, deployment.kv_dtype)
        found: list[Layout | None] = []
        for a, b in pairwise(stage_starts(len(model.layers), deployment.pp).tolist()):
            layers = [layer for layer in model.layers[a:b] if layer.cached_values]
            token = sum(layer_kv_bytes(layer, number, t) for layer in layers)
            kinds = ((NO_WINDOW, len(layers), token),)
            found.append(PlainLayout(1, kinds) if token else None)
        return tuple(found)

    def unsupported(self, deployment: Deployment) -> str:
        """Return nothing: which models SGLang runs is not recorded here."""
        return ""

    def reason(self, quantity: str, model: Model, too_low: bool) -> str:
        """Return the likely reason why a prediction differs from a log."""
        if quantity == "weights" and too_low:
            return "SGLang logs the drop in free memory while loading, libraries included"
        if quantity != "kv_tokens":
            return ""
        if any(layer.window for layer in model.layers):
            return "SGLang's separate pool for windowed layers is not modelled"
        return "the engine's own reserve is not logged"

    def notes(self, deployment: Deployment) -> tuple[str, ...]:
        """Return what is not modelled for this model."""
        if any(layer.window for layer in deployment.model.layers):
            return ("SGLang's separate pool for windowed layers is not modelled",)
        return ()

    def read(self, log: str) -> LoggedRun | None:
        """Return what a start-up log says, None if no line of it is SGLang's."""
        return LINES.read(self, log, derived)

    def failure(self, line: str) -> Failure | None:
        """Return why a start failed if a line of the log says so, else None."""
        return failure_in(line, FAILURES)


def states_share(model: Model) -> float:
    """Return the fraction of the remaining memory that is set aside for recurrent states."""
    recurrent = has_states(model)
    return STATES / (1 + STATES) if recurrent else 0.0


def default_share(deployment: Deployment) -> float:
    """Return the default mem_fraction_static: what activations and graphs leave.

    In MiB: 512, 1.5 per token of a prefill chunk, 1,024 per eight GPUs, 2 per sequence of the
    largest decode graph, 8 per size of the prefill graphs (1,536 in total with MLA). At least
    10 GiB on GPUs above 60 GiB.
    """
    size, usual = deployment.gpu.reported_mib, _gpu_class(deployment.gpu)
    graphs = usual.graphs if deployment.tp < 4 else usual.graphs_parallel
    sizes = sum(count <= usual.chunk for counts in GRAPH_SIZES for count in counts)
    mla = any(layer.attention == "mla" for layer in deployment.model.layers)
    reserved = 512 + 1.5 * usual.chunk + deployment.tp * deployment.pp / 8 * 1024
    reserved += 2 * graphs + (1536 if mla else 8 * sizes)
    if size > 60 * 1024:
        reserved = max(reserved, 10 * 1024)
    return round((size - reserved) / size, 3)


def _gpu_class(gpu: Gpu) -> GpuClass:
    return next(found for found in CLASSES if gpu.reported_mib * MiB < found.below * MiB)


ENGINE = Sglang()
