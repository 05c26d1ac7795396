"""The accuracy page's figures."""
