"""The HBM page: a GPU's memory while a model runs."""

import panel as pn

from kvviz.pages import opened

pn.extension()

opened("hbm").servable()
