"""What Keras and scikit-learn have for options of training that the original's trainers do not set."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecg_probe.arrays import give, take

__all__ = ["augment", "class_weights", "learning_rates", "plateau"]


def class_weights(labels: str) -> list[list[float]]:
    """scikit-learn's balanced weights of each column of labels `(records, columns)`, for the values that occur."""
    from sklearn.utils.class_weight import compute_class_weight

    columns = take(labels).T
    return [compute_class_weight("balanced", classes=np.unique(y), y=y).tolist() for y in columns]


def augment(folder: str, x: str, changes: dict[str, float], seed: int, epoch: int, records: list[int]) -> str:
    """The changes of `--augment` in NumPy: recordings `(records, samples, leads)`, computed in float64."""
    recordings = take(x)
    changed = [_changed(one, changes, [seed, epoch, record]) for one, record in zip(recordings, records, strict=True)]
    return give(f"{folder}/augmented.npy", np.stack(changed).astype(recordings.dtype))


def _changed(recording: np.ndarray, changes: dict[str, float], seeds: list[int]) -> np.ndarray:
    draws = np.random.RandomState(seeds)
    x = recording.astype(np.float64)
    samples, leads = x.shape
    by = draws.randint(-int(changes["shift"]), int(changes["shift"]) + 1) if "shift" in changes else 0
    occupied = np.flatnonzero((x != 0).any(axis=1))
    first = int(occupied[0]) if len(occupied) else samples
    start = min(samples, max(0, first + by))
    stop = max(start, samples + min(0, by))
    moved = np.zeros_like(x)
    moved[max(0, by) : samples + min(0, by)] = x[max(0, -by) : samples - max(0, by)]
    x = moved
    if "scale" in changes:
        x *= 1 + changes["scale"] * (2 * draws.random_sample() - 1)
    if "wander" in changes:
        for lead in range(leads):
            pieces = draws.randint(8, 17)
            heights = changes["wander"] * (2 * draws.random_sample(pieces + 1) - 1)
            place = np.arange(start, stop) * pieces / samples
            piece = np.floor(place).astype(int)
            share = place - piece
            x[start:stop, lead] += heights[piece] * (1 - share) + heights[piece + 1] * share
    if "noise" in changes:
        drawn = draws.random_sample((samples, leads, 4))
        total = drawn[..., 0] + drawn[..., 1] + drawn[..., 2] + drawn[..., 3] - 2
        x[start:stop] += (changes["noise"] * np.sqrt(3.0) * total)[start:stop]
    if "lead-dropout" in changes:
        dropped = draws.random_sample(leads) < changes["lead-dropout"]
        dropped[draws.randint(leads)] = False
        x[:, dropped] = 0
    return x


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
