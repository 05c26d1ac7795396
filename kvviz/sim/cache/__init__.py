"""Where requests keep their keys and values."""
