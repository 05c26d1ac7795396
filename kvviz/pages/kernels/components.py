"""Browser components of the Kernels page: cards of charts, the run button, and playing tiles."""

from pathlib import Path

import param
from panel.custom import Child

from kvviz.pages.kit.cards import Text
from kvviz.pages.kit.components import Component
from kvviz.pages.kit.linker import linked
from kvviz.pages.kit.look import CSS

OWN_CSS = Path(__file__).with_name("kernels.css").read_text()
STYLE = (CSS, OWN_CSS)


class ChartCard(Component):
    """A card with a heading, a figure, and what is said beside it."""

    heading = param.String()
    note = param.String(doc="at the right of the heading, HTML")
    aside = param.String(doc="beside the figure, HTML")
    told = param.String(doc="the figure in words, for screen readers")
    chart = Child()

    _esm = linked("kernels/js/chart.js")
    _stylesheets = STYLE


class RunButton(Component):
    """The run button; during a run, its progress and a cancel button."""

    busy = param.Boolean()
    doing = param.String()
    share = param.Number()
    problem = param.String()
    note = param.String(doc="HTML beneath")

    _esm = linked("kernels/js/run.js")
    _stylesheets = STYLE


class Check(Component):
    """A kernel to run or not, in its colour."""

    label = param.String()
    note = param.String(doc="what it is, in few words")
    colour = param.String(doc="the CSS property of its colour")
    value = param.Boolean()

    _esm = linked("kernels/js/check.js")
    _stylesheets = STYLE


class Tiles(Component):
    """The tiles of flash attention in processing order, with the running softmax."""

    tiles = param.List(doc="[row, column, running maxima, running sums] of every tile")
    blocks = param.Integer(doc="tiles a row and a column")

    _esm = linked("kernels/js/tiles.js")
    _stylesheets = STYLE


class KernelCard(Text):
    """HTML in this page's look."""

    _stylesheets = STYLE
