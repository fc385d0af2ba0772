"""Helpers for building models."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["build_input_tensor_from_shape"]


def build_input_tensor_from_shape(shape, dtype=None, ignore_batch_dim: bool = False):
    """Return symbolic inputs for a structure of shapes.

    Quirk Q53: lists **and tuples** are read as lists of shapes, so a single shape has to be a `tf.TensorShape`.

    Args:
        shape: a shape, or a list, tuple or dict of such structures.
        dtype: dtype in the same structure, or None for Keras's default.
        ignore_batch_dim: drop the first axis of every shape, because Keras adds its own.

    Returns:
        A `tf.keras.layers.Input`, or a list or dict of them.
    """
    if isinstance(shape, (list, tuple)):
        dtypes = [None] * len(shape) if dtype is None else dtype
        return [
            build_input_tensor_from_shape(s, dtype=d, ignore_batch_dim=ignore_batch_dim) for s, d in zip(shape, dtypes)
        ]
    if isinstance(shape, dict):
        dtypes = dict.fromkeys(shape) if dtype is None else dtype
        return {
            key: build_input_tensor_from_shape(s, dtype=dtypes[key], ignore_batch_dim=ignore_batch_dim)
            for key, s in shape.items()
        }
    if ignore_batch_dim:
        shape = shape[1:]
    return tf.keras.layers.Input(shape, dtype=dtype)
