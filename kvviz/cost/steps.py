"""How long one step of the engine takes: exact sums of work, then a roofline in nanoseconds."""

from functools import lru_cache

import numpy as np

from kvviz.catalog.dtypes import width
from kvviz.catalog.measured.efficiency import KNEE, LINK, PCIE_GB_S, Efficiency
from kvviz.catalog.models.model import Model
from kvviz.cost.roofline import work
from kvviz.engines.planning import served_model
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.shards.split import valid_tensor_parallel
from kvviz.units import GB

NS = 1e9  # nanoseconds in a second


class StepCost:
    """The time of steps on one deployment, in whole nanoseconds.

    Work is summed in integers, so that two engines that sum it differently agree to the bit.

    Args:
        scenario: model, GPU, dtypes and tensor parallel size.
        efficiency: MFU, MBU and the overhead of each step.

    Raises:
        ScenarioError: the GPU's rate is unknown, or the model does not split that way.
    """

    def __init__(self, scenario: Scenario, efficiency: Efficiency) -> None:
        model, gpu = served_model(scenario), scenario.the_gpu
        peak = gpu.peak_flops(model.dtype)
        if peak is None:
            raise ScenarioError(
                f"{gpu.name} has no {model.dtype} rate in the catalog; expected a GPU that has one"
            )
        if scenario.tp not in (sizes := valid_tensor_parallel(model)):
            raise ScenarioError(
                f"tp {scenario.tp} does not divide the heads of {model.name}; "
                f"expected one of {', '.join(map(str, sizes))}"
            )
        self.work = work(scenario)
        pairs, tokens = self.work.pair_flops, self.work.kv_bytes
        self.windows = tuple(
            (window, pairs.get(window, 0), tokens.get(window, 0)) for window in {*pairs, *tokens}
        )
        self._token_flops = self.work.token_flops
        self._state_bytes = 2 * self.work.state_bytes  # read and written
        self._written = sum(tokens.values())
        self.weight_bytes = lru_cache(maxsize=None)(self._weight_bytes)
        self.flop_ns = NS / (self.work.gpus * peak * efficiency.mfu)
        self.byte_ns = NS / (gpu.bandwidth_gb_s * GB * efficiency.mbu)
        self._token_ns = NS * _all_reduce_seconds(model, scenario.tp, gpu.link_gb_s)
        self._step_ns = NS * efficiency.overhead_s + 0.5  # rounds to the nearest

    def _weight_bytes(self, tokens: int) -> int:
        return round(float(self.work.weight_bytes(np.array(tokens))))

    def sequence(self, new: int, context: int) -> tuple[int, int]:
        """Return the operations and bytes of one sequence's `new` tokens up to `context`.

        The bytes leave out the weights, which all sequences of a step share.
        """
        flops, moved = self._token_flops * new, self._state_bytes
        for window, each, size in self.windows:
            flops += each * pairs(new, context, window)
            moved += size * (min(context, window) + new)
        return flops, moved

    def decode(self, context: int) -> tuple[int, int, int, int]:
        """Return a decode step's operations and bytes, and by how much each grows in the next."""
        flops, moved = self._token_flops, self._state_bytes + self._written
        more_flops = more_moved = 0
        for window, each, size in self.windows:
            if context < window:
                more_flops += each
                more_moved += size
                flops += each * context
                moved += size * context
            else:
                flops += each * window
                moved += size * window
        return flops, moved, more_flops, more_moved

    def extra_ns(self, tokens: int) -> float:
        """Return the overhead of a step of `tokens`, plus a half for rounding."""
        return tokens * self._token_ns + self._step_ns

    def ns(self, tokens: int, flops: int, moved: int) -> int:
        """Return a step's time.

        Args:
            tokens: new tokens of all sequences.
            flops: their operations.
            moved: their bytes, weights included.
        """
        compute, memory = flops * self.flop_ns, moved * self.byte_ns
        return int((compute**KNEE + memory**KNEE) ** (1 / KNEE) + self.extra_ns(tokens))


def pairs(new: int, context: int, window: int) -> int:
    """Return the query-key pairs of `new` tokens that end at `context`, in exact integers."""
    before = context - new
    if context <= window:
        return new * before + new * (new + 1) // 2
    inside = min(max(window - before, 0), new)  # queries that see every key before them
    return inside * before + inside * (inside + 1) // 2 + (new - inside) * window


def _all_reduce_seconds(model: Model, gpus: int, link_gb_s: float | None) -> float:
    """Return what a token adds to a step's all-reduces, two a layer, over a ring.

    Each GPU sends 2 (t - 1) / t of the layer's output (Patarasuk and Yuan, JPDC 69(2), 2009); a
    link's rate counts both directions. Latency is not counted.
    """
    sent = 2 * len(model.layers) * model.hidden_size * width(model.dtype) * 2 * (gpus - 1) / gpus
    return sent / ((link_gb_s or PCIE_GB_S) / 2 * GB * LINK)
