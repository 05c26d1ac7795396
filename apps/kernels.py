"""The Kernels page: attention that really runs, measured beside what was predicted."""

import panel as pn

from kvviz.pages import opened

pn.extension()

opened("kernels").servable()
