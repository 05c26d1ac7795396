"""The papers behind the three optimisations."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Paper:
    """A publication: its short name, who and when, and where it can be read."""

    name: str
    citation: str
    url: str


PAPERS: Final[dict[str, Paper]] = {
    "flash": Paper("FlashAttention", "Dao ’22, 2205.14135", "https://arxiv.org/abs/2205.14135"),
    "paged": Paper("PagedAttention", "Kwon ’23, 2309.06180", "https://arxiv.org/abs/2309.06180"),
    "continuous": Paper(
        "Orca batching", "Yu, OSDI ’22", "https://www.usenix.org/conference/osdi22/presentation/yu"
    ),
}
