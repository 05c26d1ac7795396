"""The Paging page's figures."""
