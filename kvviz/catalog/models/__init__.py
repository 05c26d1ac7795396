"""Models: what each stores and caches, read from their configs."""
