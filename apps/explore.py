"""The Explore page: every model on every GPU."""

import panel as pn

from kvviz.pages.explore.page import explore_page

pn.extension()

explore_page().servable()
