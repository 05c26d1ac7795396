"""The serving page: two policies on one clock, played by the browser."""
