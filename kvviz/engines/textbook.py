"""The textbook: all memory that the driver reports, for weights and KV cache alone."""

from collections.abc import Hashable
from itertools import pairwise

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Layer, Model
from kvviz.engines.base import Limits, Taken
from kvviz.engines.layout import Layout, Numbers
from kvviz.engines.logged import Failure, LoggedRun
from kvviz.engines.plain import NO_WINDOW, PlainLayout
from kvviz.settings.deployment import Deployment
from kvviz.settings.version import Version
from kvviz.shards.cache import cache_width, layer_kv_bytes, layer_state_bytes
from kvviz.shards.split import stage_starts

TOKENS, SEQUENCES = 2048, 256  # per step; there is no engine to set them


class Textbook:
    """Weights and KV cache fill the GPU; nothing else uses memory."""

    name = "textbook"
    label = "Textbook"
    versions = ()
    newest = None
    assumes = False
    share_of = "what the driver reports"
    refuses = "the deployment does not fit"

    def limits(self, deployment: Deployment) -> Limits:
        """Return the limits of a deployment; all of the memory may be used by default."""
        share, caching = deployment.utilization, deployment.prefix_caching
        return Limits(
            utilization=1.0 if share is None else share,
            max_num_batched_tokens=deployment.max_num_batched_tokens or TOKENS,
            max_num_seqs=deployment.max_num_seqs or SEQUENCES,
            prefix_caching=True if caching is None else caching,
            async_scheduling=False,
            source="no engine: the whole GPU, and a small step",
        )

    def logged_without_version(self, prints_concurrency: bool) -> Version | None:
        """Return the version that is assumed for a log that does not name one."""
        return None

    def default_share(self, version: Version | None) -> float | None:
        """Return the default utilization of a version, None if it depends on the GPU."""
        return 1.0

    def alike(self, gpu: Gpu) -> Hashable:
        """Return one key for all GPUs: they differ only in capacity."""
        return ()

    def served(self, model: Model) -> Model:
        """Return the model unchanged."""
        return model

    def memory(self, deployment: Deployment) -> int:
        """Return the bytes that the driver reports."""
        return deployment.gpu.reported_bytes

    def taken(self, deployment: Deployment) -> Taken:
        """Return nothing."""
        return Taken()

    def cache(self, deployment: Deployment, left: Numbers) -> Numbers:
        """Return all that is left."""
        return left

    def layouts(self, deployment: Deployment) -> tuple[Layout | None, ...]:
        """Return how each pipeline stage cuts its KV cache into blocks."""
        model = deployment.model
        starts = stage_starts(len(model.layers), deployment.pp).tolist()
        return tuple(self._layout(deployment, model.layers[a:b]) for a, b in pairwise(starts))

    def _layout(self, deployment: Deployment, layers: tuple[Layer, ...]) -> PlainLayout | None:
        model, t = deployment.model, deployment.tp
        state = sum(layer_state_bytes(model, layer, t) for layer in layers)
        return plain_layout(deployment, layers, deployment.block_size, state)

    def unsupported(self, deployment: Deployment) -> str:
        """Return nothing: the textbook runs every model."""
        return ""

    def reason(self, quantity: str, model: Model, too_low: bool) -> str:
        """Return nothing: no log is of the textbook."""
        return ""

    def notes(self, deployment: Deployment) -> tuple[str, ...]:
        """Return nothing: every setting is used unchanged."""
        return ()

    def read(self, log: str) -> LoggedRun | None:
        """Return nothing: no log is of the textbook."""
        return None

    def failure(self, line: str) -> Failure | None:
        """Return nothing: the textbook prints no line."""
        return None


def plain_layout(
    deployment: Deployment, layers: tuple[Layer, ...], block_size: int, state: int
) -> PlainLayout | None:
    """Return the layout of `layers` on one GPU, None if none of them caches tokens.

    Args:
        deployment: for the split and the dtypes.
        layers: of one pipeline stage.
        block_size: tokens per block.
        state: bytes of recurrent state per sequence, out of the same budget.
    """
    number, sizes = cache_width(deployment.model, deployment.kv_dtype), dict[int, list[int]]()
    for layer in layers:
        if layer.cached_values:
            held = layer_kv_bytes(layer, number, deployment.tp)
            sizes.setdefault(layer.window or NO_WINDOW, []).append(held)
    kinds = sorted(((w, len(held), sum(held)) for w, held in sizes.items()), reverse=True)
    return PlainLayout(block_size, tuple(kinds), state) if kinds else None


ENGINE = Textbook()
