"""What a checkout of the original, or this version of Keras, cannot do."""

from __future__ import annotations

import re

# Functions that docs/divergences.md lists as additions, which upstream need not have.
_ADDITIONS = {"parse_patient_ids"}

_PACKAGES = ("transplant", "pretraining", "finetuning")


class NotRunnable(Exception):  # noqa: N818 - its name is what the other side tells it by
    """This original cannot run the call, for the reason in the message. Never a difference in results."""


class NotApplicable(Exception):  # noqa: N818 - see NotRunnable
    """The call does not apply to this original, for the reason in the message."""


# TensorFlow on an operation with one operand of each type, in a graph and at once.
_MIXED_TYPES = re.compile(
    r"type float(32|64) that does not match type float(64|32)"
    r"|expected to be a (double|float) tensor but is a (double|float) tensor"
    r"|must have the same dtype, got tf.float(32|64) != tf.float(64|32)"
    r"|have types \[float(32|64), float(64|32)\] that don't all match"
    r"|Tensor conversion requested dtype float(32|64) for Tensor with dtype float(32|64)"
)


def lacking(error: BaseException) -> NotRunnable | NotApplicable | None:
    """Return the error as a NotRunnable if it says that the checkout lacks a name, or cannot compute in float64.

    What lacks an addition of this project is not applicable.
    """
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] in _PACKAGES:
        added = next((name for name in _ADDITIONS if f"cannot import name '{name}'" in str(error)), None)
        return _without(added, error)
    if isinstance(error, AttributeError) and getattr(error.obj, "__name__", "").partition(".")[0] in _PACKAGES:
        return _without(error.name if error.name in _ADDITIONS else None, error)
    # Keras adds text around that line.
    said = next((line for line in str(error).splitlines() if _MIXED_TYPES.search(line)), None)
    if said is not None:
        return NotRunnable(f"part of this original computes in float32 only: {said.strip()}")
    return None


def _without(added: str | None, error: BaseException) -> NotRunnable | NotApplicable:
    if added is not None:
        return NotApplicable(f"{added} is an addition of this project, which this original does not have")
    return NotRunnable(f"this original does not have it: {error}")
