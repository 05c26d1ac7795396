"""Many contexts and many batches at once: the same sums as one estimate each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kvviz.engines.planning import served_model
from kvviz.memory.scores import score_matrix_bytes
from kvviz.memory.totals import kv_bytes, total_bytes
from kvviz.settings.scenario import Scenario

COLUMNS = ("used", "allocated", "reserved", "internal", "scores", "total")


def memory_grid(
    scenario: Scenario, contexts: Sequence[int], batches: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """Return bytes of the whole deployment for every context and batch.

    Args:
        scenario: all other settings; without a run length of its own, each context has its own
            default one.
        contexts: tokens of the longest sequence.
        batches: sequences at once.

    Returns:
        KV cache used, allocated, reserved and internal, scores in memory, and the total, each of
        shape (batches, contexts); exact up to 2^53 bytes.

    Raises:
        ScenarioError: a context that contradicts the scenario's run length or max_model_len.
    """
    rows = [_row(scenario.replaced(batch=batch), contexts) for batch in batches]
    return {name: np.stack([row[name] for row in rows]) for name in COLUMNS}


def _row(scenario: Scenario, contexts: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    """Contexts that share a run length are one array; regions differ where they do not."""
    if scenario.run_length is None and not scenario.paged:
        parts = [_columns(scenario.replaced(context=n), [n]) for n in contexts]
        return {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
    scenario.replaced(context=max(contexts)).check()
    return _columns(scenario, contexts)


def _columns(scenario: Scenario, contexts: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    when = np.asarray(contexts, dtype=np.int64)
    scenario.check()
    kv = kv_bytes(scenario, when)
    matrices = score_matrix_bytes(scenario, served_model(scenario), when.tolist())
    scores = np.zeros(len(when)) if scenario.flash else np.array(matrices, dtype=np.float64)
    sums = (kv.used, kv.allocated, kv.reserved, kv.internal, scores, total_bytes(scenario, when))
    columns = (np.asarray(column, dtype=np.float64) for column in sums)
    return dict(zip(COLUMNS, columns, strict=True))
