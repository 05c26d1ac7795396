"""The three optimisations as the page names them, once: what each is called, does and removes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kvviz.memory.totals import TOGGLES as SETTINGS
from kvviz.settings.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Toggle:
    """A switch between two values of a setting.

    Args:
        label: its name.
        effect: what it does, in few words.
        chip: the colour of what it removes.
        on: the setting when on.
        off: the setting when off.
    """

    label: str
    effect: str
    chip: str
    on: Mapping[str, Any]
    off: Mapping[str, Any]

    def is_on(self, scenario: Scenario) -> bool:
        """Return whether the scenario has it on."""
        return all(getattr(scenario, name) == value for name, value in self.on.items())


TOGGLES: Final[dict[str, Toggle]] = {
    "flash": Toggle("FlashAttention", "tiles stay on chip", "ghost", *SETTINGS["flash"]),
    "paged": Toggle("Paged KV cache", "blocks on demand", "reserved", *SETTINGS["paged"]),
    "continuous": Toggle("Continuous batching", "no padding", "reserved", *SETTINGS["continuous"]),
}
