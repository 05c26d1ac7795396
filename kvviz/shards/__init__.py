"""A model's own bytes on one of tp x pp GPUs: weights, cache and state, whatever the engine."""
