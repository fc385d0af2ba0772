"""Metrics of the original."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np

from ecg_probe.arrays import take
from ecg_probe.datasets import handed_to_fit

__all__ = [
    "by_class",
    "chosen_thresholds",
    "custom_checkpoint",
    "evaluate",
    "f1_of_file",
    "keras_callbacks",
    "kept_epochs",
    "roc_curve",
]


def _numbers(result: Any) -> list[float]:
    """All numbers of a result, in one list."""
    if isinstance(result, dict):
        return [number for name in sorted(result) for number in _numbers(result[name])]
    if isinstance(result, (tuple, list, np.ndarray)):
        return [number for part in result for number in _numbers(part)]
    return [float(result)]


def evaluate(truth: str, scores: str, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls of functions of `transplant.evaluation`: the numbers of each, or the class of what it raised."""
    from transplant import evaluation

    y_true, y_prob = take(truth), take(scores)
    results: list[dict[str, Any]] = []
    for call in calls:
        options = {
            key: np.array(value, dtype=np.float64) if isinstance(value, list) else value
            for key, value in call["options"].items()
        }
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                results.append({"values": _numbers(getattr(evaluation, call["name"])(y_true, y_prob, **options))})
            except Exception as error:  # The class of the exception is the result.
                results.append({"error": type(error).__name__})
    return results


def f1_of_file(file: str) -> float:
    """`transplant.evaluation.f1` of a prediction CSV, as the reproduction's notebook computes it."""
    from transplant.evaluation import f1
    from transplant.utils import read_predictions

    predictions = read_predictions(file)
    return float(f1(predictions["y_true"], predictions["y_prob"]))


def by_class(truth: str, scores: str) -> dict[str, Any]:
    """Precision, recall, F1 and support by class where the most probable one is predicted, and the confusion matrix.

    By scikit-learn; the matrix counts the first label of a sample and the first of several equal scores.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    y_true, y_prob = take(truth), take(scores)
    predicted = y_prob >= y_prob.max(axis=1, keepdims=True)
    scored = precision_recall_fscore_support(y_true, predicted, average=None, zero_division=0)
    classes = range(y_true.shape[1])
    matrix = confusion_matrix(y_true.argmax(axis=1), y_prob.argmax(axis=1), labels=classes)
    return {"scores": [_numbers(column) for column in scored], "confusion": matrix.tolist()}


def roc_curve(truth: str, scores: str) -> dict[str, list[float]]:
    """Rates of false and true positives by scikit-learn."""
    from sklearn.metrics import roc_curve as curve

    x, y, _ = curve(take(truth), take(scores))
    return {"x": x.tolist(), "y": y.tolist()}


def chosen_thresholds(truth: str, scores: str, rules: list[str]) -> list[list[float]]:
    """Threshold of each class by each rule, from scikit-learn's curves; -1 where a class has only one label.

    Of several equally good thresholds, the highest.
    """
    y_true, y_prob = take(truth), take(scores)
    columns = range(y_true.shape[1])
    return [[_chosen_threshold(rule, y_true[:, k].astype(int), y_prob[:, k]) for k in columns] for rule in rules]


def _chosen_threshold(rule: str, truth: np.ndarray, scores: np.ndarray) -> float:
    from sklearn.metrics import f1_score, precision_recall_curve
    from sklearn.metrics import roc_curve as curve

    if truth.min() == truth.max():
        return -1.0
    if rule == "f1":
        _, _, candidates = precision_recall_curve(truth, scores)
        # One column per candidate, as if each were a class. scikit-learn wants two of them at least.
        decisions = scores[:, None] >= np.append(candidates, candidates[-1])
        columns = np.broadcast_to(truth[:, None], decisions.shape)
        merits = f1_score(columns, decisions, average=None, zero_division=0)[:-1]
    else:
        false_rates, true_rates, candidates = curve(truth, scores, drop_intermediate=False)
        positives, negatives = truth.sum(), len(truth) - truth.sum()
        hits, alarms = np.rint(true_rates * positives), np.rint(false_rates * negatives)
        if rule == "youden":
            merits = hits * negatives - alarms * positives
        else:
            reached = true_rates >= float(rule.split("=")[1])
            merits = np.where(reached, negatives - alarms, -1)
    best = candidates[(merits == merits.max()) & np.isfinite(candidates)]
    return float(best.max())


def custom_checkpoint(truth: str, scores: str, score_fn: str, save_best_only: bool) -> dict[str, Any]:
    """`CustomCheckpoint` over epochs of scores `(epochs, samples, classes)`: what it saved, logged and kept as best."""
    from transplant import evaluation

    saved: list[str] = []
    predictions = iter(take(scores))
    model = SimpleNamespace(
        predict=lambda *_args, **_kwargs: next(predictions),
        save_weights=lambda path, *_args, **_kwargs: saved.append(str(path)),
    )
    callback = evaluation.CustomCheckpoint(
        "epoch_{epoch:02d}.weights.h5",
        data=(None, take(truth)),
        score_fn=getattr(evaluation, score_fn),
        save_best_only=save_best_only,
    )
    callback.set_model(model)
    logged: list[float] = []
    for epoch in range(len(take(scores))):
        logs = {"loss": 1.0}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            callback.on_epoch_end(epoch, logs)
        logged.append(float(logs[callback.metric_name]))
    return {"saved": saved, "scores": logged, "best": float(callback.best), "name": callback.metric_name}


def keras_callbacks(trainings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keras's checkpoint and early stopping on the logs of trainings: epochs saved, and how many there were."""
    model = _fitted()
    return [_follow(model, **training) for training in trainings]


def kept_epochs(argv: list[str], logs: list[dict[str, float]]) -> list[int]:
    """Epochs whose weights the checkpoint of `python -m finetuning.trainer <argv>` saves if `fit` logs this."""
    import tensorflow as tf

    kinds = tf.keras.callbacks.ModelCheckpoint
    [checkpoint] = [one for one in handed_to_fit("finetuning.trainer", argv)["callbacks"] if isinstance(one, kinds)]
    model = _fitted()
    saved: list[int] = []
    model.save_weights = lambda *_args, **_kwargs: saved.append(epoch)
    checkpoint.set_model(model)
    checkpoint.on_train_begin()
    for epoch, values in enumerate(logs):
        checkpoint.on_epoch_end(epoch, dict(values))
    return saved


def _fitted() -> Any:
    """A small model with the accuracy of the trainers, whose direction callbacks ask it for."""
    import tensorflow as tf

    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model(tf.keras.layers.Input((1,)))
    model.compile(loss="mse", metrics=[tf.keras.metrics.CategoricalAccuracy(name="acc")])
    model.fit(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)  # Creates the metrics.
    return model


def _follow(
    model: Any, monitor: str, patience: int, logs: list[dict[str, float]], mode: str = "auto"
) -> dict[str, Any]:
    import tensorflow as tf

    saved: list[int] = []
    epochs: list[int] = []
    model.save_weights = lambda *_args, **_kwargs: saved.append(len(epochs))
    callbacks = [
        tf.keras.callbacks.ModelCheckpoint(
            "best.weights.h5", monitor=monitor, save_best_only=True, save_weights_only=True, mode=mode
        ),
        tf.keras.callbacks.EarlyStopping(monitor=monitor, patience=patience, mode=mode),
    ]
    model.stop_training = False
    for callback in callbacks:
        callback.set_model(model)
        callback.on_train_begin()
    for epoch, values in enumerate(logs):
        for callback in callbacks:
            callback.on_epoch_end(epoch, dict(values))
        epochs.append(epoch)
        if model.stop_training:
            break
    return {"saved": saved, "epochs": len(epochs)}
