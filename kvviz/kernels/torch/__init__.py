"""Attention on torch tensors."""
