"""What a checkout of the original, or this Keras, cannot do."""

from __future__ import annotations

_PACKAGES = ("transplant", "pretraining", "finetuning")


class NotRunnable(Exception):  # noqa: N818 - its name is what the other side tells it by
    """The call cannot be run by this original, because of what the message says; never a difference in results."""


def lacking(error: BaseException) -> NotRunnable | None:
    """Return the error as a NotRunnable if it says that the checkout lacks a module or a name."""
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] in _PACKAGES:
        return NotRunnable(f"this original does not have it: {error}")
    if isinstance(error, AttributeError) and getattr(error.obj, "__name__", "").partition(".")[0] in _PACKAGES:
        return NotRunnable(f"this original does not have it: {error}")
    return None
