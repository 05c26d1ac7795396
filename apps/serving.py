"""The serving page: two schedulers at work on the same requests."""

import panel as pn

from kvviz.pages.serving.page import serving_page

pn.extension()

serving_page().servable()
