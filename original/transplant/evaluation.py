"""Metrics, and the callback that keeps the weights with the best metric."""

import warnings
from typing import Any, Callable, Optional, Union

import numpy as np
import tensorflow as tf
from sklearn.metrics import f1_score, roc_auc_score


def auc(y_true: np.ndarray, y_prob: np.ndarray) -> float:
    """Compute the unweighted mean over classes of the area under the ROC curve.

    Args:
        y_true: truth ``(samples, classes)``.
        y_prob: scores of the same shape.

    Raises:
        ValueError: shapes do not match, or a class has only one value in ``y_true`` (Quirk Q9).
    """
    _require_matrix(y_prob)
    if y_true.shape != y_prob.shape:
        raise ValueError(f"y_true has shape {y_true.shape}, expected {y_prob.shape}, the shape of y_prob")
    return roc_auc_score(y_true, y_prob, average="macro")


def f1(
    y_true: np.ndarray,
    y_prob: np.ndarray,
    multiclass: bool = False,
    threshold: Optional[Union[float, np.ndarray]] = None,
) -> float:
    """Compute the F1 score, unweighted mean over classes; 0 for a class that neither occurs nor is predicted.

    Args:
        y_true: truth ``(samples, classes)``; class indices ``(samples,)`` if not ``multiclass``.
        y_prob: probabilities ``(samples, classes)``; or logits, if not ``multiclass``. Quirk Q11: with one class, the
            mean is over the label values, not over the class.
        multiclass: labels are not exclusive: predict every class that reaches its threshold. Otherwise
            predict the most probable class (Quirk Q10: all classes that share the maximum).
        threshold: one for all classes or one per class, 0.5 if None. Quirk Q10: ignored unless ``multiclass``.

    Raises:
        ValueError: ``y_prob`` is not a matrix, or class indices are given with ``multiclass``.
    """
    _require_matrix(y_prob)
    if y_true.ndim == 1:
        if multiclass:
            raise ValueError("with multiclass=True y_true must have shape (samples, classes), got class indices")
        y_true = _one_hot(y_true, depth=y_prob.shape[1])
    if not multiclass:
        threshold = y_prob.max(axis=1, keepdims=True)
    elif threshold is None:
        threshold = 0.5
    return f1_score(y_true, y_prob >= threshold, average="macro")


def multi_f1(y_true: np.ndarray, y_prob: np.ndarray) -> float:
    """Compute :func:`f1` of labels that are not exclusive, at the threshold 0.5."""
    return f1(y_true, y_prob, multiclass=True, threshold=0.5)


def f_max(y_true: np.ndarray, y_prob: np.ndarray, thresholds: Optional[np.ndarray] = None) -> tuple[float, float]:
    """Find the largest F1 of sample-averaged precision and recall over all thresholds.

    Args:
        y_true: truth ``(samples, classes)``.
        y_prob: probabilities of the same shape.
        thresholds: vector; 100 equally spaced values from 0 to 1 if None.

    Returns:
        ``(score, threshold)``, the first threshold that reaches the score.

    Raises:
        ValueError: the score is NaN at every threshold, as with one sample without labels (Quirk Q12).
        Others as :func:`macro_precision_recall`.
    """
    if thresholds is None:
        thresholds = np.linspace(0, 1, 100)
    precision, recall = macro_precision_recall(y_true, y_prob, thresholds)
    scores = (2 * precision * recall) / (precision + recall)
    best = np.nanargmax(scores)
    return scores[best], thresholds[best]


def macro_precision_recall(
    y_true: np.ndarray, y_prob: np.ndarray, thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Compute precision and recall per sample, averaged over the samples, at each threshold.

    Needs memory for ``len(thresholds) * samples * classes`` elements.

    Args:
        y_true: truth ``(samples, classes)``.
        y_prob: probabilities of the same shape.
        thresholds: vector (not a list, which is a TypeError).

    Returns:
        ``(precision, recall)``, float64 of the length of ``thresholds``. Precision averages the samples with a
        predicted class, NaN if there are none. Recall averages all samples, NaN if one has no label (Quirk Q12).

    Raises:
        IndexError: truth or probabilities with fewer than two axes, or with different shapes that can be broadcast.
        ValueError: other shapes that do not match.
    """
    y_true = _for_each(thresholds, y_true)
    y_pred = _for_each(thresholds, y_prob) >= thresholds[:, np.newaxis, np.newaxis]
    true_positives = np.sum(np.logical_and(y_true, y_pred), axis=2)
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", category=RuntimeWarning)  # mean of an empty slice
        predictions = np.sum(y_pred, axis=2)
        share = true_positives / predictions
        # already NaN; but this raises an error for unequal shapes that NumPy could broadcast
        share[predictions == 0] = np.nan
        precision = np.nanmean(share, axis=1)
    recall = np.mean(true_positives / np.sum(y_true, axis=2), axis=1)
    return precision, recall


def challenge2020_metrics(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    beta_f: float = 2,
    beta_g: float = 2,
    class_weights: Optional[np.ndarray] = None,
    single: bool = False,
) -> dict[str, float]:
    """Compute F-beta and G-beta as weighted means over classes, each sample weighted by 1 / number of its labels.

    Does not use the scoring matrix of the challenge. Quirk Q13: a class that neither occurs nor is predicted makes
    both NaN, a sample without labels gets infinite weight, and ``beta_g`` is not squared.

    Args:
        y_true: truth ``(samples, classes)`` of 0 and 1.
        y_pred: decisions of the same shape; values other than 0 and 1 are ignored.
        beta_f: weight of recall in F-beta.
        beta_g: weight of missed labels in G-beta.
        class_weights: vector, ones if None; classes beyond its end are ignored. A list is an AttributeError.
        single: samples have one label each, and all have the weight 1.

    Returns:
        ``F_beta`` and ``G_beta``.

    Raises:
        ValueError: truth that is not a matrix.
        IndexError: more class weights than classes, or too few decisions; not if there are no samples.
    """
    num_samples, num_classes = y_true.shape
    label_counts = np.ones(num_samples) if single else y_true.sum(axis=1)
    if class_weights is None:
        class_weights = np.ones(num_classes)
    f_beta = g_beta = 0.0
    for label, class_weight in enumerate(class_weights):
        tp = fp = fn = 0.0
        for sample, label_count in enumerate(label_counts):
            truth, prediction = y_true[sample, label], y_pred[sample, label]
            if prediction == 1 and truth == 1:
                tp += 1 / label_count
            elif prediction == 1:
                fp += 1 / label_count
            elif prediction == 0 and truth != 0:
                fn += 1 / label_count
        weighted_tp = (1 + beta_f**2) * tp
        f_beta += class_weight * weighted_tp / (weighted_tp + fp + beta_f**2 * fn)
        g_beta += class_weight * tp / (tp + fp + beta_g * fn)
    total_weight = class_weights.sum()
    return {"F_beta": f_beta / total_weight, "G_beta": g_beta / total_weight}


class CustomCheckpoint(tf.keras.callbacks.Callback):
    """Saves weights at the end of an epoch, depending on a metric over a whole data set.

    The score is added to the epoch's logs under the name of ``score_fn``, for the callbacks that run later. Quirk Q14:
    a NaN score is never the best, so with ``save_best_only`` it never writes a file.

    Args:
        filepath: file of the weights, a format string with ``epoch`` (from 1) and the names of the logs. Its folder
            must exist. Keras 3 requires the ending ``.weights.h5`` (Quirk Q30).
        data: ``(x, y_true)``, where ``x`` is anything that ``model.predict`` accepts.
        score_fn: called as ``score_fn(y_true, y_prob)``; higher is better.
        best: score to beat.
        save_best_only: save only if the score improves.
        batch_size: batch size of the prediction, if ``x`` is not batched.
        verbose: print a line per epoch.
    """

    def __init__(
        self,
        filepath: str,
        data: tuple[Any, np.ndarray],
        score_fn: Callable[[np.ndarray, np.ndarray], float],
        best: float = -np.inf,
        save_best_only: bool = False,
        batch_size: Optional[int] = None,
        verbose: int = 0,
    ):
        super().__init__()
        self.filepath = str(filepath)
        self.data = data
        self.score_fn = score_fn
        self.best = best
        self.save_best_only = save_best_only
        self.batch_size = batch_size
        self.verbose = verbose

    @property
    def metric_name(self) -> str:
        """Name of the score in the logs."""
        return self.score_fn.__name__

    def on_epoch_end(self, epoch: int, logs: Optional[dict[str, float]] = None) -> None:
        """Score the model, add the score to ``logs``, and save the weights if required."""
        logs = {} if logs is None else logs
        x, y_true = self.data
        y_prob = self.model.predict(x, batch_size=self.batch_size, verbose=0)
        score = self.score_fn(y_true, y_prob)
        logs[self.metric_name] = score
        filepath = self.filepath.format(epoch=epoch + 1, **logs)
        improved = score > self.best
        if improved or not self.save_best_only:
            self.model.save_weights(filepath, overwrite=True)
        if self.verbose:
            self._report(epoch, score, filepath, improved)
        if improved:
            self.best = score

    def _report(self, epoch: int, score: float, filepath: str, improved: bool) -> None:
        outcome = f"{self.metric_name} {score:.5f}, best before {self.best:.5f}"
        if improved:
            action = f"improved, saved to {filepath}"
        elif not self.save_best_only:
            action = f"saved to {filepath}"
        else:
            action = "not saved"
        print(f"epoch {epoch + 1:05d}: {outcome}: {action}")


def _require_matrix(y_prob: np.ndarray) -> None:
    if y_prob.ndim != 2:
        raise ValueError(f"y_prob must have shape (samples, classes), got {y_prob.shape}")


def _for_each(thresholds: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return ``(thresholds, samples, classes)``, the matrix once for each threshold."""
    layer = matrix[np.newaxis, :, :]
    return np.repeat(layer, len(thresholds), axis=0)


def _one_hot(x: np.ndarray, depth: int) -> np.ndarray:
    """Return a float64 array ``(x.size, depth)`` with a 1 at each index of ``x``."""
    one_hot = np.zeros((x.size, depth))
    one_hot[np.arange(x.size), x] = 1
    return one_hot
