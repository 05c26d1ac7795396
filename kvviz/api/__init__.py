"""The REST API: the core's answers over HTTP, described by the core's own declarations."""
