"""Transfer learning for ECG classification: data sets, network parts, tasks and helpers."""

from transplant import datasets, modules, tasks, utils

__all__ = ["datasets", "modules", "tasks", "utils"]
