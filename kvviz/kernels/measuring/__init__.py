"""Kernels timed, traced for their peak of memory, and recorded."""
