"""The accuracy page: predictions against what engines logged, and a log of one's own."""

import panel as pn

from kvviz.pages.accuracy.page import accuracy_page

pn.extension()

accuracy_page().servable()
