"""Worker of the bench on the side of the Python original: one work, a round at a time.

`port_works.ts` and `port_models.ts` hold the twins of the works. The arguments are the folder of `rounds.py` and the
folder with the packages `transplant`, `pretraining` and `finetuning`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = sys.argv[1:]
from rounds import Round, serve  # noqa: E402

CONTEXT_SIZE = 8
CANDIDATES = 9
CLASSES = 4


def _compiled(arch: str, task: str, precision: str, batch: int, samples: int) -> tuple[Any, Any, Any]:
    """Return a network, compiled as the trainers do, with one batch; `precision` is a Keras policy."""
    import numpy as np
    import tensorflow as tf

    tf.keras.mixed_precision.set_global_policy(precision)
    random = np.random.RandomState(1)

    def signals(*shape: int) -> np.ndarray:
        return (2 * random.random_sample(shape) - 1).astype(np.float32)

    if task == "cpc":
        from pretraining.utils import task_solver

        model = task_solver("cpc", arch)
        model.compile(
            optimizer=tf.keras.optimizers.Adam(learning_rate=1e-3, beta_1=0.9, beta_2=0.98, epsilon=1e-9),
            loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=[tf.keras.metrics.SparseCategoricalAccuracy(name="acc")],
        )
        x = {
            "context": signals(batch, CONTEXT_SIZE, samples, 1),
            "samples": signals(batch, CANDIDATES, samples, 1),
        }
        return model, x, (np.arange(batch) % CANDIDATES).astype(np.int32)

    from finetuning.utils import ecg_feature_extractor

    model = ecg_feature_extractor(arch)
    model.add(tf.keras.layers.Dense(CLASSES, activation="softmax"))
    model.compile(
        optimizer=tf.keras.optimizers.Adam(),
        loss=tf.keras.losses.CategoricalCrossentropy(),
        metrics=[tf.keras.metrics.CategoricalAccuracy(name="acc")],
    )
    return model, signals(batch, samples, 1), np.eye(CLASSES, dtype=np.float32)[np.arange(batch) % CLASSES]


def train(steps: int, **settings: Any) -> Round:
    """Seconds per step of `model.fit`, from the beginning of its first step to the end of its last."""
    import tensorflow as tf

    model, x, y = _compiled(**settings)
    data = tf.data.Dataset.from_tensors((x, y))

    class Clock(tf.keras.callbacks.Callback):
        begun = ended = 0.0

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 0:
                self.begun = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.ended = time.perf_counter()

    def fit(count: int) -> float:
        clock = Clock()
        model.fit(data.repeat(count), epochs=1, verbose=0, callbacks=[clock])
        return (clock.ended - clock.begun) / count

    fit(1)
    return lambda: fit(steps)


def predict(**settings: Any) -> Round:
    """Seconds of `model.predict` on one batch."""
    model, x, _ = _compiled(**settings)

    def run() -> float:
        begun = time.perf_counter()
        model.predict(x, batch_size=settings["batch"], verbose=0)
        return time.perf_counter() - begun

    run()
    return run


def frames(folder: str, patients: int, unzipped: bool, ahead: int, frames: int, batch: int) -> Round:
    """Seconds per frame of the beat task, through the pipeline of `pretraining.trainer` without its shuffling.

    A round first takes `ahead` frames, which may have been read while the other side ran.
    """
    import numpy as np
    import tensorflow as tf
    from pretraining.datasets import beat_dataset

    np.random.seed(1)
    data = beat_dataset(folder, range(patients), 2048, unzipped=unzipped, samples_per_patient=1000)
    stream = iter(data.prefetch(tf.data.AUTOTUNE).batch(batch))
    batches = -(-frames // batch)

    def run() -> float:
        for _ in range(0, ahead, batch):
            next(stream)
        begun = time.perf_counter()
        for _ in range(batches):
            next(stream)
        return (time.perf_counter() - begun) / (batches * batch)

    run()
    return run


def prepare_data(source: str, target: str) -> Round:
    """Challenge 2017 records to a prepared file, as the documented recipe."""
    from finetuning.datasets import get_challenge17_data
    from transplant.utils import save_pkl

    Path(target).mkdir(parents=True, exist_ok=True)

    def run() -> float:
        begun = time.perf_counter()
        save_pkl(Path(target) / "physionet.pkl", **get_challenge17_data(source, fs=250, pad=16384, normalize=True))
        return time.perf_counter() - begun

    return run


WORKS: dict[str, Callable[..., Round]] = {
    "train": train,
    "predict": predict,
    "frames": frames,
    "prepare_data": prepare_data,
}


if __name__ == "__main__":
    serve("the original", WORKS)
