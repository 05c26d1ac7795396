"""Serving engines: what each does with a GPU's memory, one place per engine."""
