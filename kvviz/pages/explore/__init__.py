"""The Explore page: what fits where."""
