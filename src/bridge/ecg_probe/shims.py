"""What the original leaves to chance, fixed from outside: initial weights and the order of training samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ecg_probe.arrays import take, take_all


@contextmanager
def initial_weights(files: list[str] | None) -> Iterator[None]:
    """Sets a model's weights when `fit` begins, unless `files` is None."""
    import tensorflow as tf

    fit = tf.keras.Model.fit

    def seeded(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.set_weights(take_all(files))
        return fit(self, *args, **kwargs)

    if files is not None:
        tf.keras.Model.fit = seeded
    try:
        yield
    finally:
        tf.keras.Model.fit = fit


@contextmanager
def sample_order(file: str | None) -> Iterator[None]:
    """Replaces `Dataset.shuffle` over a whole training set: row e of the array is the order of epoch e."""
    import tensorflow as tf

    shuffle = tf.data.Dataset.shuffle

    def ordered(self: Any, buffer_size: int, *_args: Any, **_kwargs: Any) -> Any:
        orders = take(file).astype(np.int64)
        epoch = iter(orders)

        def reorder(*parts: Any) -> Any:
            order = tf.ensure_shape(tf.numpy_function(lambda: next(epoch), [], tf.int64), [None])
            return tf.nest.map_structure(lambda part: tf.gather(part, order), parts)

        return self.batch(buffer_size).map(reorder).unbatch()

    if file is not None:
        tf.data.Dataset.shuffle = ordered
    try:
        yield
    finally:
        tf.data.Dataset.shuffle = shuffle
