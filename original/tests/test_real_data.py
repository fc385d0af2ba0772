"""The whole recipe on real recordings: read, prepare, split, save, finetune, write predictions.

| data            | leads | weights             | default                   | full                              |
|-----------------|-------|---------------------|---------------------------|-----------------------------------|
| Challenge 2017  | 1     | none                | 40 records, 1,024 samples | 1,000 records, 16,384 samples (*) |
| PTB-XL (rhythm) | 12    | from adjust_network | 23 records, 1,024 samples | 23 records, 16,384 samples        |

(*) prepared, split and saved; 64 of them are trained on.
"""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from finetuning import adjust_network, trainer
from finetuning.datasets import get_challenge17_data, get_ptb_xl_data
from finetuning.utils import ecg_feature_extractor, train_test_split
from transplant.utils import load_pkl, read_predictions, save_pkl


@pytest.fixture(scope="module")
def cinc2017(shared_data):
    return shared_data / "cinc2017"


@pytest.fixture
def small_cinc2017(cinc2017, tmp_path):
    """The first ten records of each class, as a folder of links."""
    reference = pd.read_csv(cinc2017 / "REFERENCE.csv", header=None, names=["name", "label"])
    names = set(reference.groupby("label").head(10)["name"])
    folder = tmp_path / "cinc2017"
    folder.mkdir()
    for file in cinc2017.iterdir():
        if file.stem in names or file.suffix == ".csv":
            (folder / file.name).symlink_to(file)
    records = (cinc2017 / "RECORDS").read_text().split()
    (folder / "RECORDS").write_text("".join(f"{record}\n" for record in records if record in names))
    return folder


def check_job(job_dir, sizes, classes, truth_texts, sums_to_one):
    """After one epoch, `history.csv`, the best model and the prediction files have their formats."""
    files = ["best_model.weights.h5", "history.csv", *sorted(f"{name}_predictions.csv" for name in sizes)]
    assert sorted(file.name for file in job_dir.iterdir()) == files
    header, row = (job_dir / "history.csv").read_bytes().decode().split("\r\n")[:2]
    assert header == "epoch,acc,loss,val_acc,val_loss"
    assert row.startswith("0,")
    assert np.isfinite([float(value) for value in row.split(",") if value != "NA"]).all()
    for name, size in sizes.items():
        file = job_dir / f"{name}_predictions.csv"
        text = file.read_bytes().decode()
        assert "\r" not in text
        assert text.splitlines()[0].split(",") == [
            "record_name",
            *[f"true_{c}" for c in classes],
            *[f"prob_{c}" for c in classes],
        ]
        rows = [line.split(",") for line in text.splitlines()[1:]]
        assert len(rows) == size
        assert {value for row in rows for value in row[1 : 1 + len(classes)]} == truth_texts
        probabilities = read_predictions(file)["y_prob"]
        for row, values in zip(rows, probabilities.astype("float32")):  # the shortest text of each float32
            written = [np.format_float_positional(v, trim="0") if v >= 1e-4 else None for v in values]
            assert all(a == b for a, b in zip(row[1 + len(classes) :], written) if b is not None)
        if sums_to_one:
            np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
        else:
            assert np.all((probabilities > 0) & (probabilities < 1))


def finetune_challenge17(data, folder, pad, subset, epochs=1):
    """The documented recipe, starting from prepared data."""
    assert data["x"].shape[1:] == (pad, 1)
    assert (data["x"].dtype, data["y"].dtype) == (np.float32, np.bool_)
    np.random.seed(3)
    train, test = train_test_split(data, test_size=0.2, stratify=data["y"])
    save_pkl(folder / "physionet_train.pkl", **train)
    save_pkl(folder / "physionet_test.pkl", **test)
    saved = load_pkl(folder / "physionet_test.pkl")
    assert list(saved) == ["x", "y", "record_ids", "classes"]
    np.testing.assert_array_equal(saved["x"], test["x"])
    small = {key: value[:16] for key, value in test.items() if key != "classes"} | {"classes": test["classes"]}
    save_pkl(folder / "test.pkl", **small)
    argv = f"--job-dir {folder}/job --train {folder}/physionet_train.pkl --test {folder}/test.pkl --subset {subset} "
    argv += f"--val-size 8 --batch-size 16 --val-metric f1 --seed 7 --epochs {epochs}"
    trainer.main(argv.split())
    sizes = {"train": subset, "val": 8, "test": min(16, len(test["x"]))}
    check_job(folder / "job", sizes, ["A", "N", "O", "~"], {"True", "False"}, sums_to_one=True)


def finetune_ptb_xl(shared_data, folder, pad):
    """Finetune on twelve leads from one-lead weights, adapted by `adjust_network`."""
    data = get_ptb_xl_data(shared_data / "ptbxl", fs=250, pad=pad, normalize=True)
    assert data["x"].shape[1:] == (pad, 12)
    assert data["y"].dtype == np.int32
    train, test = train_test_split(data, test_size=5)
    save_pkl(folder / "train.pkl", **train)
    save_pkl(folder / "test.pkl", **test)
    backbone = ecg_feature_extractor()
    backbone(tf.keras.layers.Input((256, 1)))
    backbone.save_weights(str(folder / "pretrained.weights.h5"))
    adjust_network.main(f"--weights-file {folder}/pretrained.weights.h5 --channels 12".split())
    argv = f"--job-dir {folder}/job --train {folder}/train.pkl --test {folder}/test.pkl --val-size 4 --batch-size 8 "
    argv += f"--weights-file {folder}/pretrained.adjusted.weights.h5 --seed 7"
    trainer.main(argv.split())
    sizes = {"train": len(train["x"]) - 4, "val": 4, "test": 5}
    check_job(folder / "job", sizes, list(data["classes"]), {"0", "1"}, sums_to_one=False)


def test_challenge17(small_cinc2017, tmp_path):
    data = get_challenge17_data(small_cinc2017, fs=250, pad=1024, normalize=True)
    assert len(data["x"]) == 40
    finetune_challenge17(data, tmp_path, pad=1024, subset=16)
    assert 50e6 < (tmp_path / "job/best_model.weights.h5").stat().st_size < 58e6  # weights and two moments each


def test_ptb_xl(shared_data, tmp_path):
    finetune_ptb_xl(shared_data, tmp_path, pad=1024)


@pytest.mark.full
def test_challenge17_documented_recipe(cinc2017, tmp_path):
    data = get_challenge17_data(cinc2017, fs=250, pad=16384, normalize=True)
    assert data["y"].sum(0).tolist() == [200, 480, 260, 60]
    finetune_challenge17(data, tmp_path, pad=16384, subset=64)


@pytest.mark.full
def test_ptb_xl_documented_recipe(shared_data, tmp_path):
    finetune_ptb_xl(shared_data, tmp_path, pad=16384)
