"""The HBM page with its pages drawn as rects, one a cell, to compare with."""

import panel as pn
from bokeh.models import ColumnDataSource

from kvviz.views.components import Player
from kvviz.views.page import hbm_page

pn.extension()

page = hbm_page()
(player,) = page.select(Player)
scene = player.scene.object
images = next(each for each in scene.renderers if each.name == "pages")
images.visible = False
scene.rect(
    "x",
    "y",
    "w",
    "h",
    source=ColumnDataSource({"x": [], "y": [], "w": [], "h": [], "code": []}),
    fill_color={"field": "code", "transform": images.glyph.color_mapper},
    line_color=None,
    level="image",
    name="rects",
)
page.servable()
