"""The Explore page: every model on every GPU."""

import panel as pn

from kvviz.pages import opened

pn.extension()

opened("explore").servable()
