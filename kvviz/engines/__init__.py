"""Serving engines: how each uses a GPU's memory, one module or folder per engine."""
