"""Texts on a scene: where they stand and what they say; the page writes them over the figure."""

from dataclasses import dataclass
from typing import Literal

from kvviz.scene.hbm.floorplan import SCENE_HEIGHT, Align

Role = Literal["text1", "text2", "text3", "red_text", "tile_text"]


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text.

    Args:
        x: of its left edge, middle or right edge.
        y: of its baseline, y down as in the floorplan.
        text: what it says; for a text that the player writes, the name of what it says.
        size: px at the design's size; the text grows with the scene and never shrinks below 13.
        align: which x is meant.
        bold: its weight.
        role: its colour.
        how: how its number is known, shown on hover.
        live: whether the player writes it.
    """

    x: float
    y: float
    text: str
    size: int = 13
    align: Align = "left"
    bold: bool = False
    role: Role = "text2"
    how: str = ""
    live: bool = False

    def row(self) -> dict[str, object]:
        """Return it for the browser, y up."""
        return {
            "x": self.x,
            "y": SCENE_HEIGHT - self.y,
            "text": self.text,
            "size": self.size,
            "align": self.align,
            "bold": self.bold,
            "role": self.role.replace("_", "-"),
            "how": self.how,
            "live": self.live,
        }
