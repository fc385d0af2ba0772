"""Heads of the pretraining tasks that need more than one dense layer."""

from . import cpc, utils

__all__ = ["cpc", "utils"]
