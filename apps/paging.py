"""The Paging page: one sequence's cache as a slot and as blocks."""

import panel as pn

from kvviz.views.paging import paging_page

pn.extension()

paging_page().servable()
