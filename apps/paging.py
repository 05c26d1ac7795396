"""The Paging page: one sequence's cache as a slot and as blocks."""

import panel as pn

from kvviz.pages.paging.page import paging_page

pn.extension()

paging_page().servable()
