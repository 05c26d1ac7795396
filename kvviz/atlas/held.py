"""The models of a grid side by side: what each holds, unsplit and in every size that it splits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from kvviz.atlas.axes import Array, Axes
from kvviz.atlas.facts import Facts, facts
from kvviz.memory.kv import Tokens, kv_tokens
from kvviz.memory.room import MOST_CONTEXT
from kvviz.memory.scores import score_matrix_bytes
from kvviz.settings.scenario import ScenarioError
from kvviz.settings.sequences import Sequences

MOST_BYTES: Final = 2**62  # sums of whole numbers stay clear of 64 bits


@dataclass(frozen=True)
class Held:
    """Sums over the layers of all models, as arrays.

    The arrays on GPUs have the axes (models, 1 + sizes, ...): first the unsplit model, then one of
    t GPUs for each size of the grid, 0 where it does not split the model.
    """

    axes: Axes

    @cached_property
    def facts(self) -> tuple[Facts, ...]:
        """The models' facts."""
        return tuple(facts(model, self.axes.dtypes) for model in self.axes.models)

    @cached_property
    def valid(self) -> Array:
        """Whether a size splits a model's heads, shape (models, sizes)."""
        return np.array([[t in one.sizes for t in self.axes.tps] for one in self.facts])

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """Tokens that layers hold at most, of all models, ascending."""
        return tuple(sorted({window for one in self.facts for window in one.windows}))

    @cached_property
    def weights(self) -> Array:
        """Bytes of weights, shape (models, 1 + sizes, dtypes)."""
        return self._side_by_side(lambda one: one.weights @ one.kinds + one.first + one.last)

    @cached_property
    def cached(self) -> Array:
        """Bytes per token in the layers of a window: (models, 1 + sizes, dtypes, windows)."""

        def by_window(one: Facts) -> Array:
            own = one.cached @ one.kinds
            every = np.zeros((*own.shape[:2], len(self.windows)), dtype=np.int64)
            every[..., [self.windows.index(window) for window in one.windows]] = own
            return every

        return self._side_by_side(by_window)

    @cached_property
    def state(self) -> Array:
        """Recurrent bytes of one sequence, shape (models, 1 + sizes)."""
        return self._side_by_side(lambda one: one.state @ one.kinds)

    @cached_property
    def scores(self) -> Array:
        """Bytes of one layer's scores if written, shape (models, 1 + sizes, contexts)."""
        workload, contexts, sizes = self.axes.workload, self.axes.contexts, (1, *self.axes.tps)
        exact = [
            [score_matrix_bytes(workload, model, contexts, t) for t in sizes]
            for model in self.axes.models
        ]
        return np.array(exact)

    def check_range(self) -> None:
        """Raise `ScenarioError` where bytes may go beyond what 64 bits count."""
        workload, models = self.axes.workload, self.axes.models
        places = workload.batch * (max(workload.max_model_len, MOST_CONTEXT) + workload.block_size)
        scores = max(max(score_matrix_bytes(workload, m, self.axes.contexts)) for m in models)
        token, state = int(self.cached.max()), int(self.state.max())
        most = int(self.weights.max()) + places * token * len(self.windows)
        if most + state * workload.batch + scores > MOST_BYTES:
            raise ScenarioError(
                "a cell of the grid may hold more bytes than 64 bits count; expected shorter "
                "contexts or fewer sequences"
            )

    def places(self, of: tuple[Sequences, ...], part: str = "allocated") -> Tokens:
        """Return the token places of one layer: shape (windows, contexts).

        Args:
            of: the sequences at each context.
            part: ``used``, ``allocated`` or ``reserved``.
        """
        contexts = [np.array([context]) for context in self.axes.contexts]
        return np.array(
            [
                [
                    getattr(kv_tokens(each, at, window), part)[0]
                    for each, at in zip(of, contexts, strict=True)
                ]
                for window in self.windows
            ]
        )

    def _side_by_side(self, of: Callable[[Facts], Array]) -> Array:
        """Stack what `of` returns for each model's valid sizes, zeros where a size is not valid."""
        rows = []
        for one in self.facts:
            values = of(one)
            padded = np.concatenate([values, np.zeros_like(values[:1])])
            chosen = [one.sizes.index(t) if t in one.sizes else -1 for t in (1, *self.axes.tps)]
            rows.append(padded[chosen])
        return np.stack(rows)
