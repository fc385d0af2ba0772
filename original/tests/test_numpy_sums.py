"""The order of floating-point operations on which labels and scores depend: NumPy compared with plain Python."""

import numpy as np
import pytest

from transplant.datasets import icentia11k
from transplant.evaluation import f_max


def pairwise_sum(items):
    """Add as NumPy does along a contiguous axis: eight accumulators up to 128 items, halves above."""
    n = len(items)
    if n < 8:
        total = 0.0
        for item in items:
            total += item
        return total
    if n <= 128:
        whole = n - n % 8
        r = list(items[:8])
        for i in range(8, whole, 8):
            for k in range(8):
                r[k] += items[i + k]
        total = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
        for item in items[whole:]:
            total += item
        return total
    half = n // 2 - n // 2 % 8
    return pairwise_sum(items[:half]) + pairwise_sum(items[half:])


@pytest.mark.parametrize("n", [*range(20), 127, 128, 129, 130, 255, 256, 257, 1000, 1706, 6395])
def test_sum(n):
    x = np.random.RandomState(n).standard_normal(n)
    assert np.sum(x) == pairwise_sum(x.tolist())


def test_plain_left_to_right_sums_are_not_equal():
    x = np.random.RandomState(0).standard_normal(1000)
    assert np.sum(x) != sum(x.tolist(), 0.0)


@pytest.mark.parametrize("interval", [149, 150, 151, 249, 250, 251])
def test_get_heart_rate_label(interval):
    random = np.random.RandomState(interval)
    for num_intervals in range(1, 60):
        for spread in (0, 3):
            intervals = interval + random.randint(-spread, spread + 1, num_intervals)
            positions = np.cumsum([500, *intervals])
            seconds = [int(samples) / 250 for samples in intervals]  # each interval is divided before the sum
            bpm = 60 / (pairwise_sum(seconds) / num_intervals)
            expected = 1 if bpm < 60 else 2 if bpm <= 100 else 0
            assert icentia11k.get_heart_rate_label(positions, fs=250) == expected


@pytest.mark.parametrize("seed", range(10))
def test_f_max(seed):
    random = np.random.RandomState(seed)
    y_prob = random.random_sample((150, 4))
    y_true = np.eye(4, dtype=bool)[random.randint(4, size=150)]
    y_true[::7, 0] = True
    y_prob[::5] /= 2
    best = (-1.0, None)
    for threshold in np.linspace(0, 1, 100).tolist():
        precisions, recalls = [], []
        for truth, prob in zip(y_true.tolist(), y_prob.tolist()):
            predicted = [p >= threshold for p in prob]
            hits = sum(t and p for t, p in zip(truth, predicted))
            precisions.append(hits / sum(predicted) if any(predicted) else None)
            recalls.append(hits / sum(truth))
        defined = [p for p in precisions if p is not None]
        if not defined:
            continue
        precision = pairwise_sum([0.0 if p is None else p for p in precisions]) / len(defined)
        recall = pairwise_sum(recalls) / len(recalls)
        if precision + recall > 0 and (2 * precision * recall) / (precision + recall) > best[0]:
            best = ((2 * precision * recall) / (precision + recall), threshold)
    with np.errstate(invalid="ignore"):
        assert f_max(y_true, y_prob) == best
