"""The accuracy page."""
