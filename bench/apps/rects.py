"""The HBM page with its pages drawn as rects, one a cell, to compare with."""

import panel as pn
from bokeh.models import ColumnDataSource, Rect

from kvviz.pages import opened
from kvviz.pages.hbm.player import Player

pn.extension()

page = opened("hbm")
(player,) = page.select(Player)
scene = player.scene.object
images = next(each for each in scene.renderers if each.name == "pages")
images.visible = False
rect = Rect(
    x="x",
    y="y",
    width="w",
    height="h",
    fill_color={"field": "code", "transform": images.glyph.color_mapper},
    line_color=None,
)
source = ColumnDataSource({"x": [], "y": [], "w": [], "h": [], "code": []})
scene.add_glyph(source, rect, level="image", name="rects")
page.servable()
