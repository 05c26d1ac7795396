"""The serving page: two schedulers at work on the same requests."""

import panel as pn

from kvviz.views.serving.page import serving_page

pn.extension()

serving_page().servable()
