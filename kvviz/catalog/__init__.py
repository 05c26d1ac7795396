"""Facts with their sources: models, GPUs, papers."""
