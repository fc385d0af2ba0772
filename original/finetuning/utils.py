"""Backbones and data-set splits for finetuning."""

from __future__ import annotations

import numpy as np
import sklearn.model_selection
import tensorflow as tf

from transplant.modules.resnet1d import BottleneckBlock, ResidualBlock, ResNet

__all__ = ["KERAS_3", "ecg_feature_extractor", "split_size", "train_test_split"]

# With TF_USE_LEGACY_KERAS=1, tf.keras is tf_keras 2.16 and has no version. Keras 3 requires file names that end in
# `.weights.h5`; the old Keras writes TensorFlow checkpoints to names without that ending.
KERAS_3 = getattr(tf.keras, "__version__", "2").startswith("3.")


def ecg_feature_extractor(arch: str | None = None, stages: int | None = None) -> tf.keras.Sequential:
    """Return an unbuilt backbone: a ResNet without its top, and the mean over time.

    Args:
        arch: 'resnet18' (or None), 'resnet34' or 'resnet50'.
        stages: number of stages to keep; it is the end of a slice, so None or 4 keep all and -1 drops the last.

    Returns:
        Model from (batch, samples, leads) to (batch, width), width 512 (2048 for 'resnet50') with all stages.

    Raises:
        ValueError: if the architecture is unknown.
    """
    if arch is None or arch == "resnet18":
        blocks, block_fn = (2, 2, 2, 2), ResidualBlock
    elif arch == "resnet34":
        blocks, block_fn = (3, 4, 6, 3), ResidualBlock
    elif arch == "resnet50":
        blocks, block_fn = (3, 4, 6, 3), BottleneckBlock
    else:
        raise ValueError(f"unknown architecture {arch!r}: expected 'resnet18', 'resnet34' or 'resnet50'")
    resnet = ResNet(
        num_outputs=None,
        blocks=blocks[:stages],
        kernel_size=(7, 5, 5, 3),
        block_fn=block_fn,
        include_top=False,
    )
    return tf.keras.Sequential([resnet, tf.keras.layers.GlobalAveragePooling1D()])


def split_size(value: float) -> int | float:
    """Return a count (truncated to int) if `value` is at least 1, else the fraction `value`.

    Quirk Q48: 1 means one record or patient, not all of them.
    """
    return int(value) if value >= 1 else value


def train_test_split(data_set: dict, **options) -> tuple[dict, dict]:
    """Split a data set in two with scikit-learn's function of this name.

    Uses NumPy's global random state, unless `random_state` is among the options.

    Args:
        data_set: dict with 'x', 'y' and 'record_ids' of equal length, and 'classes'.
        **options: for `sklearn.model_selection.train_test_split`.

    Returns:
        Two dicts with these four keys; other keys are lost and 'classes' is shared.

    Raises:
        AssertionError: if the lengths differ.
        ValueError: if scikit-learn cannot split as asked.
    """
    num_records = len(data_set["x"])
    lengths = {key: len(data_set[key]) for key in ("x", "y", "record_ids")}
    assert set(lengths.values()) == {num_records}, f"'x', 'y' and 'record_ids' differ in length: {lengths}"
    sides = sklearn.model_selection.train_test_split(np.arange(num_records), **options)
    train, test = ({**{key: data_set[key][side] for key in lengths}, "classes": data_set["classes"]} for side in sides)
    return train, test
