"""The package on the old Keras (TF_USE_LEGACY_KERAS=1, tf_keras 2.16): TensorFlow checkpoints, equal outputs.

| trainer     | data                      | weights                                | metric |
|-------------|---------------------------|----------------------------------------|--------|
| pretraining | folder, --val-patients    | none; then --weights-file a checkpoint | loss   |
| finetuning  | one lead, single label    | backbone                               | f1     |
| finetuning  | twelve leads, multi label | from adjust_network; then whole model  | loss   |
"""

import os
import subprocess
import sys
from pathlib import Path

import legacy_keras_run
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from icentia_files import write_patients
from test_finetuning_trainer import multi_label, single_label

from pretraining.utils import task_solver
from transplant.utils import save_pkl


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder with the results of the old Keras; see `legacy_keras_run.py`."""
    folder = tmp_path_factory.mktemp("legacy")
    write_patients(folder / "icentia", range(5))
    (folder / "weights").mkdir()
    save_pkl(folder / "train.pkl", **single_label(24))
    save_pkl(folder / "twelve.pkl", **multi_label(24))
    script = Path(legacy_keras_run.__file__)
    done = subprocess.run([sys.executable, script, folder], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def checkpoint_files(prefix):
    return sorted(file.name for file in prefix.parent.glob(f"{prefix.name}*"))


def test_this_process_has_keras_3():
    assert not os.environ.get("TF_USE_LEGACY_KERAS")
    assert tf.keras.__version__.startswith("3.")


def test_pretraining_writes_a_checkpoint_per_epoch(folder):
    """Under upstream's names."""
    for epoch in (1, 2):
        job_dir = folder / f"jobs/beat/epoch_{epoch:02d}"
        names = ["model.weights.data-00000-of-00001", "model.weights.index"]
        assert checkpoint_files(job_dir / "model.weights") == names
        assert (job_dir / "checkpoint").exists()
    assert list(pd.read_csv(folder / "jobs/beat/history.csv")) == ["epoch", "acc", "loss", "val_acc", "val_loss"]
    assert (folder / "jobs/more/epoch_02/model.weights.index").exists()


def test_checkpoint_holds_the_backbone(folder):
    """`get_pretrained_weights` reads the weights that the checkpoint holds."""
    reader = tf.train.load_checkpoint(str(folder / "jobs/beat/epoch_02/model.weights"))
    key = "layer_with_weights-0/layer_with_weights-0/conv1/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    weights = np.load(folder / "pretrained.npz")
    np.testing.assert_array_equal(reader.get_tensor(key), weights["arr_0"])
    assert weights["arr_0"].shape == (7, 1, 64)
    backbone = tf.train.load_checkpoint(str(folder / "weights/backbone.weights"))
    key = "layer_with_weights-0/conv1/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    np.testing.assert_array_equal(backbone.get_tensor(key), weights["arr_0"])


@pytest.mark.parametrize(
    ("job", "classes"), [("af", "ANO~"), ("rhythm", ["SR", "AFIB", "PACE"]), ("again", ["SR", "AFIB", "PACE"])]
)
def test_finetuning_writes_its_files(folder, job, classes):
    job_dir = folder / "jobs" / job
    names = ["best_model.weights.data-00000-of-00001", "best_model.weights.index"]
    assert checkpoint_files(job_dir / "best_model.weights") == names
    assert list(pd.read_csv(job_dir / "history.csv")) == ["epoch", "acc", "loss", "val_acc", "val_loss"]
    for name, records in (("train", 16), ("val", 8)):
        frame = pd.read_csv(job_dir / f"{name}_predictions.csv")
        assert list(frame) == ["record_name", *[f"true_{c}" for c in classes], *[f"prob_{c}" for c in classes]]
        assert len(frame) == records


def test_adjusted_name(folder):
    names = ["backbone.weights.adjusted.data-00000-of-00001", "backbone.weights.adjusted.index"]
    assert checkpoint_files(folder / "weights/backbone.weights.adjusted") == names


@pytest.mark.parametrize("task", ["beat", "cpc"])
def test_outputs_equal_those_of_keras_3(folder, task):
    """Outputs agree within float32 rounding for the same weights, in both modes."""
    exported = np.load(folder / f"{task}.npz")
    if task == "cpc":
        x = {key: exported[f"input/{key}"] for key in ("context", "samples")}
    else:
        x = exported["input"]
    model = task_solver(task, stages=1)
    model(x)
    for path, weight in legacy_keras_run.weights_by_attribute(model).items():
        weight.assign(exported[f"weight/{path}"])
    for mode, training in (("inference", False), ("training", True)):
        expected = exported[mode]
        np.testing.assert_allclose(model(x, training=training), expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert np.abs(exported["inference"] - exported["training"]).max() > 1e-3 * np.abs(exported["training"]).max()
