"""The Kernels page: attention that really runs, measured beside what was predicted."""

import panel as pn

from kvviz.pages.kernels.page import kernels_page

pn.extension()

kernels_page().servable()
