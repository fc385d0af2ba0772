"""Parts of the networks."""

from . import attn_pool, resnet1d, transformer, utils

__all__ = ["attn_pool", "resnet1d", "transformer", "utils"]
