"""What was measured on real devices, and what is taken from it."""
