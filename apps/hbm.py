"""The HBM page: a GPU's memory while a model runs."""

import panel as pn

from kvviz.pages.hbm.page import hbm_page

pn.extension()

hbm_page().servable()
