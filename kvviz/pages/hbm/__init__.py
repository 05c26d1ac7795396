"""The HBM page."""
