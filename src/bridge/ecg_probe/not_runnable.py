"""What a checkout of the original, or this Keras, cannot do."""

from __future__ import annotations

import re

_PACKAGES = ("transplant", "pretraining", "finetuning")


class NotRunnable(Exception):  # noqa: N818 - its name is what the other side tells it by
    """The call cannot be run by this original, because of what the message says; never a difference in results."""


# TensorFlow on an operation with one operand of each type, in a graph and at once.
_MIXED_TYPES = re.compile(
    r"type float(32|64) that does not match type float(64|32)"
    r"|expected to be a (double|float) tensor but is a (double|float) tensor"
    r"|must have the same dtype, got tf.float(32|64) != tf.float(64|32)"
    r"|Tensor conversion requested dtype float(32|64) for Tensor with dtype float(32|64)"
)


def lacking(error: BaseException) -> NotRunnable | None:
    """Return the error as a NotRunnable if it says that the checkout lacks a name, or cannot compute in float64."""
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] in _PACKAGES:
        return NotRunnable(f"this original does not have it: {error}")
    if isinstance(error, AttributeError) and getattr(error.obj, "__name__", "").partition(".")[0] in _PACKAGES:
        return NotRunnable(f"this original does not have it: {error}")
    # Keras surrounds the line that says it.
    said = next((line for line in str(error).splitlines() if _MIXED_TYPES.search(line)), None)
    if said is not None:
        return NotRunnable(f"part of this original computes in float32 only: {said.strip()}")
    return None
