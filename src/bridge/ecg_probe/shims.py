"""Fixes from outside what the original leaves to chance: initial weights, frames and the order of training samples."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np

from ecg_probe.arrays import take, take_all
from ecg_probe.layers import assign_weights


def _when_fit_begins(act: Callable[[Any], object]) -> AbstractContextManager[Any]:
    """Calls `act` with the model before each `fit`."""
    import tensorflow as tf

    fit = tf.keras.Model.fit

    def prepared(self: Any, *args: Any, **kwargs: Any) -> Any:
        act(self)
        return fit(self, *args, **kwargs)

    return patch.object(tf.keras.Model, "fit", prepared)


def initial_weights(files: list[str] | None) -> AbstractContextManager[Any]:
    """Sets a model's weights, in Keras 3's order, when `fit` begins, unless `files` is None."""
    if files is None:
        return nullcontext()
    return _when_fit_begins(lambda model: assign_weights(model, take_all(files)))


def frame_draws(seed: int | None) -> AbstractContextManager[Any]:
    """Seeds NumPy when `fit` begins, unless `seed` is None.

    Quirk Q46: how far TensorFlow has read ahead of the validation frames is a race, and decides where the draws of
    the training frames begin.
    """
    return nullcontext() if seed is None else _when_fit_begins(lambda _model: np.random.seed(seed))


def sample_order(file: str | None) -> AbstractContextManager[Any]:
    """Replaces `Dataset.shuffle` over a whole training set: row e of the array is the order of epoch e."""
    import tensorflow as tf

    def ordered(self: Any, buffer_size: int, *_args: Any, **_kwargs: Any) -> Any:
        orders = take(file).astype(np.int64)
        epoch = iter(orders)

        def reorder(*parts: Any) -> Any:
            order = tf.ensure_shape(tf.numpy_function(lambda: next(epoch), [], tf.int64), [None])
            return tf.nest.map_structure(lambda part: tf.gather(part, order), parts)

        # Without a known size, Keras counts a step too many in the first epoch.
        size = tf.data.experimental.assert_cardinality(self.cardinality())
        return self.batch(buffer_size).map(reorder).unbatch().apply(size)

    return nullcontext() if file is None else patch.object(tf.data.Dataset, "shuffle", ordered)
