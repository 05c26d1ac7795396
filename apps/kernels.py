"""The Kernels page: attention that really runs, measured beside what was predicted."""

import panel as pn

from kvviz.views.kernels import kernels_page

pn.extension()

kernels_page().servable()
