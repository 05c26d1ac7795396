"""What the links of several pages carry."""

from kvviz.scene.theme import THEMES
from kvviz.settings.knobs import cut


def read_theme(query: dict[str, str]) -> tuple[str, list[str]]:
    """Take the theme out of a link's query; where it is none, dark and a sentence."""
    theme = query.pop("theme", "dark")
    if theme in THEMES:
        return theme, []
    return "dark", [f"theme in the link: got {cut(theme)}, expected one of {', '.join(THEMES)}."]
