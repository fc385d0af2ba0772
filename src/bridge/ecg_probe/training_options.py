"""What Keras and scikit-learn have for options of training that the original's trainers do not set."""

from __future__ import annotations

import numpy as np

from ecg_probe.arrays import take

__all__ = ["class_weights"]


def class_weights(labels: str) -> list[list[float]]:
    """scikit-learn's balanced weights of each column of labels `(records, columns)`, for the values that occur."""
    from sklearn.utils.class_weight import compute_class_weight

    columns = take(labels).T
    return [compute_class_weight("balanced", classes=np.unique(y), y=y).tolist() for y in columns]
