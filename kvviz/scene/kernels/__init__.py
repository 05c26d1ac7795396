"""The Kernels page's figures."""
