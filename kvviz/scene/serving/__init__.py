"""The serving page's figures."""
