"""The sequences of a scenario as a value: their lengths, and how their KV cache is allocated."""

from dataclasses import dataclass

from kvviz.settings.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Sequences:
    """What decides how many tokens are allocated per layer, for any model.

    Args:
        batch: sequences in the batch.
        ragged: how much shorter the shortest sequence is than the longest, 0 to 1.
        final_length: tokens of the longest sequence when finished.
        max_model_len: longest sequence that the engine accepts, in tokens.
        block_size: tokens per block.
        batching: ``continuous``, or ``static``: all sequences padded to the longest.
        paged: whether the KV cache is in blocks, allocated on demand.
        reservation: what is reserved per sequence without paging: ``exact``, ``pow2`` or ``max``.
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
