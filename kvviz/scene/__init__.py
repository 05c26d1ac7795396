"""Figures of the memory: geometry, rasters and the theme, in Bokeh; no Panel."""
