"""What the catalog knows of a family of models: its names, its keys, and how it is counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kvviz.catalog.models.draft import Draft
from kvviz.catalog.models.fields import Config
from kvviz.catalog.models.model import Layer
from kvviz.catalog.models.rotary import rotary_values

Rotary = Callable[[Config, int, Sequence[Layer]], int]
Tower = Callable[[Config, int], int]


@dataclass(frozen=True, slots=True)
class Family:
    """Configs that are read alike.

    Args:
        names: each ``model_type`` it goes by, without the suffix ``_text``.
        read: writes a config's layers and weights down.
        keys: its own names for common keys, as GPT-2's ``n_embd`` for ``hidden_size``.
        rotary: the numbers in its rotary tables, from config, maximum context and layers; None
            where positions are learned, or there are none.
        towers: the parameters of the vision towers that it brings, by the ``model_type`` of the
            tower, each from ``vision_config`` and the text model's hidden size.
    """

    names: tuple[str, ...]
    read: Callable[[Config], Draft]
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rotary: Rotary | None = rotary_values
    towers: Mapping[str, Tower] = field(default_factory=dict)
