"""The Paging page."""
