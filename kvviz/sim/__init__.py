"""Workloads that run: from a scenario to a Timeline."""
