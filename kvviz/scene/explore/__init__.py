"""The Explore page's figures."""
