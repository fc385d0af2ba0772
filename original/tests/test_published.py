"""Result files of a published reproduction: read_predictions and transplant.evaluation give every figure.

The figures were computed with scikit-learn 1.4.2 and NumPy 1.26.4. Accuracy is agreement of the most probable class,
for PTB-XL element-wise agreement at 0.5.
"""

# ruff: noqa: E501 (a row per table entry)

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from transplant.evaluation import auc, f1, f_max, multi_f1
from transplant.utils import read_predictions

ARRHYTHMIAS = ["A", "N", "O", "~"]
RHYTHMS = ["SR", "AFIB", "STACH", "SARRH", "SBRAD", "PACE", "SVARR", "BIGU", "AFLT", "SVTAC", "PSVT", "TRIGU"]
JOBS = ["af", "beat", "rhythm", "hr", "beat_random", "ptbxl", "ptbxl_random"]


class Figures(NamedTuple):
    """Row of the table of figures; ``auc`` None: undefined, ``f_max_index``: its threshold times 99."""

    job: str
    part: str
    f1: float
    multi_f1: float
    accuracy: float
    auc: Optional[float]
    f_max: float
    f_max_index: int


FIGURES = [
    Figures("af", "test", 0.7361224341147975, 0.7299115717838178, 0.8305978898007034, 0.9431832723110818, 0.8515929830554336, 20),
    Figures("af", "val", 0.7449580928989472, 0.7209574690130873, 0.8430913348946136, 0.9407384821553233, 0.8651031725826116, 25),
    Figures("beat", "test", 0.7363092239280915, 0.7247526121411166, 0.8352872215709262, 0.9439700572876202, 0.8533451184713631, 26),
    Figures("beat", "val", 0.7146458047523224, 0.7102125221973993, 0.819672131147541, 0.9416640372695293, 0.8505996345574799, 28),
    Figures("rhythm", "test", 0.7077099640846096, 0.7085519966336407, 0.82063305978898, 0.9353338600202965, 0.8476027080305379, 23),
    Figures("hr", "test", 0.7250877549790594, 0.7089927842451393, 0.828253223915592, 0.9411105364577431, 0.8467110056591857, 20),
    Figures("beat_random", "test", 0.7110824093186333, 0.7046362652402803, 0.828253223915592, 0.938857889633943, 0.8464717099149393, 29),
    Figures("ptbxl", "test", 0.34088040135188563, 0.34002013290642213, 0.9829806625455698, 0.8819779486619915, 0.9068254623855748, 27),
    Figures("ptbxl_random", "test", 0.36170576887478095, 0.344183746362208, 0.9846449516563639, 0.9120591017013143, 0.9150593660072857, 24),
    Figures("ptbxl_random", "val", 0.42569641788496154, 0.3306915105794985, 0.985424588086185, None, 0.9195252012091052, 18),
]  # fmt: skip

F1_BY_CLASS = {
    "af": [0.72026, 0.89712, 0.74378, 0.58333],
    "beat": [0.68966, 0.90395, 0.74378, 0.60784],
    "rhythm": [0.61132, 0.90038, 0.72265, 0.59649],
    "hr": [0.68864, 0.90110, 0.71445, 0.59615],
    "beat_random": [0.67114, 0.90415, 0.73571, 0.53333],
}

NEVER_RIGHT = {
    "ptbxl": {"SARRH", "SVARR", "BIGU", "SVTAC", "PSVT", "TRIGU", "AFLT"},
    "ptbxl_random": {"SARRH", "SVARR", "BIGU", "SVTAC", "PSVT", "TRIGU"},
}

CLASS_COUNTS = {
    ("af", "train"): [553, 3787, 1842, 213],
    ("af", "val"): [37, 253, 123, 14],
    ("af", "test"): [148, 1010, 491, 57],
    ("beat_random", "train"): [557, 3797, 1834, 207],
    ("beat_random", "val"): [33, 243, 131, 20],
    ("ptbxl", "train"): [3134, 288, 165, 143, 119, 61, 17, 14, 16, 5, 4, 4],
    ("ptbxl", "val"): [857, 59, 38, 38, 33, 16, 9, 3, 2, 1, 2, 1],
    ("ptbxl", "test"): [3347, 287, 181, 147, 120, 64, 38, 18, 18, 9, 2, 4],
    ("ptbxl_random", "train"): [3107, 295, 153, 162, 117, 58, 38, 20, 14, 6, 5, 3],
    ("ptbxl_random", "val"): [831, 90, 39, 35, 33, 17, 6, 4, 1, 0, 1, 1],
}

# job: epochs, and the epoch (from 0) of the lowest validation loss
HISTORIES = {
    "af": (78, 27),
    "beat": (73, 22),
    "rhythm": (70, 19),
    "hr": (20, 19),
    "beat_random": (73, 22),
    "ptbxl": (20, 4),
    "ptbxl_random": (20, 10),
}


@pytest.fixture(scope="module")
def job_dir(shared_data):
    return lambda job: shared_data / "published" / f"{job}_classification"


@pytest.fixture(scope="module")
def predictions(job_dir):
    return lambda job, part: read_predictions(job_dir(job) / f"{part}_predictions.csv")


def accuracy(y_true, y_prob):
    if y_true.dtype == bool:
        return np.mean(y_prob.argmax(axis=1) == y_true.argmax(axis=1))
    return np.mean((y_prob > 0.5) == y_true)


def loss(y_true, y_prob):
    if y_true.dtype == bool:
        return -np.log(y_prob[y_true]).mean()
    y_prob = np.clip(y_prob, 1e-12, 1 - 1e-7)
    return -np.where(y_true == 1, np.log(y_prob), np.log1p(-y_prob)).mean()


@pytest.mark.parametrize("expected", FIGURES, ids=lambda figures: f"{figures.job} {figures.part}")
class TestFigures:
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
    def test_f1(self, predictions, expected):
        read = predictions(expected.job, expected.part)
        assert f1(read["y_true"], read["y_prob"]) == expected.f1
        assert multi_f1(read["y_true"], read["y_prob"]) == expected.multi_f1

    def test_accuracy(self, predictions, expected):
        read = predictions(expected.job, expected.part)
        assert accuracy(read["y_true"], read["y_prob"]) == expected.accuracy

    def test_auc(self, predictions, expected):
        read = predictions(expected.job, expected.part)
        if expected.auc is None:
            with pytest.raises(ValueError, match="Only one class"):
                auc(read["y_true"], read["y_prob"])
        else:
            assert auc(read["y_true"], read["y_prob"]) == expected.auc

    def test_f_max(self, predictions, expected):
        read = predictions(expected.job, expected.part)
        score, threshold = f_max(read["y_true"], read["y_prob"])
        assert score == expected.f_max
        assert threshold == np.linspace(0, 1, 100)[expected.f_max_index]


@pytest.mark.parametrize("job", F1_BY_CLASS)
def test_f1_by_class(predictions, job):
    read = predictions(job, "test")
    y_pred = np.eye(4)[read["y_prob"].argmax(axis=1)]
    np.testing.assert_allclose(f1_score(read["y_true"], y_pred, average=None), F1_BY_CLASS[job], atol=5e-6)


@pytest.mark.parametrize("job", NEVER_RIGHT)
def test_rhythms_that_are_never_right(predictions, job):
    read = predictions(job, "test")
    y_pred = np.eye(12)[read["y_prob"].argmax(axis=1)]
    scores = f1_score(read["y_true"], y_pred, average=None)
    assert {name for name, score in zip(read["classes"], scores) if score == 0} == NEVER_RIGHT[job]


@pytest.mark.parametrize("part", ["train", "val", "test"])
@pytest.mark.parametrize("job", JOBS)
def test_form_of_the_files(predictions, job, part):
    read = predictions(job, part)
    is_ptb_xl = job.startswith("ptbxl")
    num_records = dict(zip(["train", "val", "test"], [3943, 1052, 4206] if is_ptb_xl else [6395, 427, 1706]))[part]
    assert set(read) == {"classes", "y_true", "y_prob"}
    assert read["classes"] == (RHYTHMS if is_ptb_xl else ARRHYTHMIAS)
    assert read["y_true"].shape == read["y_prob"].shape == (num_records, len(read["classes"]))
    assert (read["y_true"].dtype, read["y_prob"].dtype) == (np.int64 if is_ptb_xl else bool, np.float64)


@pytest.mark.parametrize(("job", "part"), CLASS_COUNTS, ids=" ".join)
def test_class_counts(predictions, job, part):
    assert predictions(job, part)["y_true"].sum(axis=0).tolist() == CLASS_COUNTS[job, part]


@pytest.mark.parametrize("job", HISTORIES)
def test_predictions_come_from_the_best_epoch(job_dir, predictions, job):
    history = pd.read_csv(job_dir(job) / "history.csv")
    num_epochs, best_epoch = HISTORIES[job]
    assert history.columns.tolist() == ["epoch", "acc", "loss", "val_acc", "val_loss"]
    assert history["epoch"].tolist() == list(range(num_epochs))
    assert history["val_loss"].idxmin() == best_epoch
    read = predictions(job, "val")
    best = history.loc[best_epoch]
    assert accuracy(read["y_true"], read["y_prob"]) == pytest.approx(best["val_acc"], abs=1e-6)
    assert loss(read["y_true"], read["y_prob"]) == pytest.approx(best["val_loss"], abs=1e-6)
