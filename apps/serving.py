"""The serving page: two schedulers at work on the same requests."""

import panel as pn

from kvviz.pages import opened

pn.extension()

opened("serving").servable()
