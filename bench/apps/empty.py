"""A page with nothing on it but a word, to compare how long a page takes to open."""

import panel as pn

pn.extension()

pn.pane.HTML("<p>Empty.</p>").servable()
