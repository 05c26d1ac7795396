"""The accuracy page: predictions against what engines logged, and a log of one's own."""

import panel as pn

from kvviz.pages import opened

pn.extension()

opened("accuracy").servable()
