"""The sequences of a scenario as a value: how long they are, and how their caches are kept."""

from dataclasses import dataclass

from kvviz.settings.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Sequences:
    """What decides which token places are taken, whatever the model is.

    Args:
        batch: sequences at once.
        ragged: how much shorter the last sequence is than the first, 0 to 1.
        final_length: tokens of the longest sequence when finished.
        max_model_len: tokens of the longest sequence that the engine takes.
        block_size: tokens in a block.
        batching: ``continuous``, or ``static``: all padded to the longest.
        paged: whether caches are in blocks, taken on demand.
        reservation: region of a sequence without paging: ``exact``, ``pow2`` or ``max``.
    """

    batch: int
    ragged: float
    final_length: int
    max_model_len: int
    block_size: int
    batching: str
    paged: bool
    reservation: str


def sequences(scenario: Scenario) -> Sequences:
    """Return the scenario's sequences."""
    names = Sequences.__dataclass_fields__
    return Sequences(**{name: getattr(scenario, name) for name in names})
