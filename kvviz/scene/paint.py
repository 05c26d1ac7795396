"""Which property of which glyph takes which theme role, so that a new theme is one repaint."""

from typing import Any

from bokeh.model import Model

from kvviz.scene.theme import Theme


class Paint:
    """Colour roles of a figure's models."""

    def __init__(self) -> None:
        self._roles: list[tuple[Model, str, str]] = []

    def __call__(self, model: Any, **roles: str) -> Any:
        """Remember that each property of `model` takes the theme's colour of that role."""
        self._roles += [(model, prop, role) for prop, role in roles.items()]
        return model

    def apply(self, theme: Theme) -> None:
        """Set every remembered property to the theme's colour."""
        for model, prop, role in self._roles:
            setattr(model, prop, theme.colour(role))
