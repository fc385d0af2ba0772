"""What Keras and scikit-learn have for options of training that the original's trainers do not set."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecg_probe.arrays import take

__all__ = ["class_weights", "learning_rates", "plateau"]


def class_weights(labels: str) -> list[list[float]]:
    """scikit-learn's balanced weights of each column of labels `(records, columns)`, for the values that occur."""
    from sklearn.utils.class_weight import compute_class_weight

    columns = take(labels).T
    return [compute_class_weight("balanced", classes=np.unique(y), y=y).tolist() for y in columns]


def cosine_decay(dtype: str, initial: float, decay_steps: int, target: float | None, warmup_steps: int) -> Any:
    """Keras's schedule, which computes in the type of its first number."""
    import tensorflow as tf

    number = np.dtype(dtype).type
    return tf.keras.optimizers.schedules.CosineDecay(
        number(initial),
        decay_steps,
        warmup_target=None if target is None else number(target),
        warmup_steps=warmup_steps,
    )


def learning_rates(schedule: dict[str, Any], dtype: str, steps: list[int]) -> list[float]:
    """The learning rates of some steps of `cosine_decay`."""
    rate_of = cosine_decay(dtype, **schedule)
    return [float(rate_of(step)) for step in steps]


def plateau(monitor: str, factor: float, patience: int, learning_rate: float, values: list[float]) -> list[float]:
    """The learning rate that ReduceLROnPlateau leaves after each epoch, from the values that it monitors."""
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model(tf.keras.layers.Input((1,)))
    model.compile(loss="mse", optimizer=tf.keras.optimizers.Adam(learning_rate))
    callback = tf.keras.callbacks.ReduceLROnPlateau(monitor, factor=factor, patience=patience)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {monitor: value})
        rates.append(float(model.optimizer.learning_rate.numpy()))
    return rates
