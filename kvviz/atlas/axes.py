"""What a grid of reports goes over: models, GPUs, dtypes, contexts and tensor-parallel sizes."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kvviz.catalog.gpus.gpu import Gpu
from kvviz.catalog.models.model import Model
from kvviz.settings.scenario import Scenario, ScenarioError
from kvviz.settings.sequences import Sequences, sequences

NAMES: Final = "mgdct"  # model, GPU, dtypes, context, tensor-parallel size

Array = NDArray[Any]
Columns = dict[str, Array]


@dataclass(frozen=True)
class Axes:
    """The five axes of a grid, and the workload that is the same in all of it.

    Args:
        workload: every other setting; its sequences are of equal length, on one pipeline stage.
        models: the first axis.
        gpus: the second axis.
        dtypes: (weights, KV) dtypes, the third axis.
        contexts: tokens of the longest sequence, the fourth axis.
        tps: tensor-parallel sizes, the fifth axis.

    Raises:
        ScenarioError: an empty axis, or a workload that is ragged or in stages.
    """

    workload: Scenario
    models: tuple[Model, ...]
    gpus: tuple[Gpu, ...]
    dtypes: tuple[tuple[str, str], ...]
    contexts: tuple[int, ...]
    tps: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        if not all(self.shape):
            raise ScenarioError("a grid has an empty axis; expected something on each of the five")
        if self.workload.ragged or self.workload.pp != 1:
            raise ScenarioError(
                f"a grid has sequences of equal length on one stage; got ragged "
                f"{self.workload.ragged:g} and pp {self.workload.pp}, expected 0 and 1"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of every axis."""
        axes = (self.models, self.gpus, self.dtypes, self.contexts, self.tps)
        return tuple(len(axis) for axis in axes)

    @cached_property
    def at_contexts(self) -> tuple[Sequences, ...]:
        """The workload's sequences at every context.

        Raises:
            ScenarioError: a context contradicts the workload's run length or max_model_len.
        """
        scenarios = tuple(self.workload.replaced(context=n) for n in self.contexts)
        for scenario in scenarios:
            scenario.check()
        return tuple(map(sequences, scenarios))

    def at_contexts_with(self, **changes: Any) -> tuple[Sequences, ...]:
        """Return the sequences at every context, with some of their settings changed."""
        return tuple(replace(each, **changes) for each in self.at_contexts)


def spread(values: Any, axes: str) -> Array:
    """Return `values`, whose axes are those named, with all five: 1 long where they do not vary.

    Args:
        values: an array with one axis for each name.
        axes: some of ``m``, ``g``, ``d``, ``c`` and ``t``, in the order of `values`.
    """
    ordered = np.transpose(values, [axes.index(name) for name in NAMES if name in axes])
    return ordered[tuple(slice(None) if name in axes else None for name in NAMES)]
