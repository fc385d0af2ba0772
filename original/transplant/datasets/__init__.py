"""Readers of public ECG collections."""

from transplant.datasets import icentia11k, physionet

__all__ = ["icentia11k", "physionet"]
