"""Engines that serve a workload step by step: the plain one and the fast one."""
