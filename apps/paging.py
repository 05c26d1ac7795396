"""The Paging page: one sequence's cache as a slot and as blocks."""

import panel as pn

from kvviz.pages import opened

pn.extension()

opened("paging").servable()
