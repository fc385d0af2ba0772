"""Weights of a finished pretraining job, as the original extracts them."""

from __future__ import annotations

__all__ = ["save_backbone"]


def save_backbone(checkpoint_file: str, task: str, arch: str, stages: int | None, output: str) -> None:
    """`pretraining.utils.get_pretrained_weights(...).save_weights(output)`, the step between both trainers."""
    from pretraining.utils import get_pretrained_weights

    get_pretrained_weights(checkpoint_file, task, arch, stages).save_weights(output)
