"""finetuning.trainer.

Runs from the command line to the written files, on one-stage networks and 256 samples:

| labels | leads | validation | test | metric | weights                  | also                                 |
|--------|-------|------------|------|--------|--------------------------|--------------------------------------|
| single | 1     | --val-size | yes  | f1     | backbone                 | runpy; bool labels, float64 records  |
| single | 2     | --val      | yes  | acc    | whole model (a best one) | --channel; float32 records           |
| multi  | 12    | --val-size | yes  | auc    | from adjust_network      | rare label patterns                  |
| multi  | 12    | none       | no   | loss   | none                     | --subset                             |
| multi  | 12    | none       | no   | f1     | none                     | the warning of quirk Q36 (full)      |

Real recordings with the whole network: test_real_data.py. What reaches `fit` (splits, order of callbacks) is tested
without training, by `FitRecorder`.
"""

import runpy
import sys

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from fit_recorder import FitRecorder

from finetuning import adjust_network, trainer, utils
from finetuning.utils import train_test_split
from pretraining.utils import get_pretrained_weights, task_solver
from transplant.evaluation import CustomCheckpoint
from transplant.utils import read_predictions, save_pkl

SINGLE = np.array(["A", "N", "O", "~"], dtype=object)
MULTI = np.array(["SR", "AFIB", "PACE"], dtype=object)


def single_label(n, leads=1, dtype="float64", seed=1):
    """Return a data set like Challenge 2017: bool one-hot labels, text ids."""
    rng = np.random.RandomState(seed)
    y = np.eye(4, dtype=bool)[np.arange(n) % 4]
    x = rng.standard_normal((n, 256, leads)).astype(dtype) + y.argmax(1)[:, np.newaxis, np.newaxis]
    return {"x": x.astype(dtype), "y": y, "record_ids": np.array([f"A{i:05d}" for i in range(n)]), "classes": SINGLE}


def multi_label(n, leads=12, seed=1):
    """Return a data set like PTB-XL: integer labels, one pattern of which occurs only once, and numeric ids."""
    rng = np.random.RandomState(seed)
    y = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1]], dtype="int32")[np.arange(n) % 4]
    y[1] = 1
    x = rng.standard_normal((n, 256, leads)).astype("float32")
    return {"x": x, "y": y, "record_ids": 100 + np.arange(n), "classes": MULTI}


def written(file, data):
    save_pkl(file, **data)
    return str(file)


@pytest.fixture
def one_stage(monkeypatch):
    """Cut the backbone to its first stage; the command line has no option for this."""
    whole = utils.ecg_feature_extractor
    for module in (trainer, utils):
        monkeypatch.setattr(module, "ecg_feature_extractor", lambda arch=None, stages=1: whole(arch, stages))


@pytest.fixture
def recorder(monkeypatch):
    """Replace the model by one that does not train and predicts the first samples of the records."""

    class Recorder(FitRecorder):
        def load_weights(self, file):
            self.loaded = file

        def predict(self, x, batch_size):
            self.batch_size = batch_size
            return np.repeat(x[:, 0, :1], self.classes, axis=1)

    model = Recorder()

    def create_model(args, train):
        model.classes = len(train["classes"])
        return model

    monkeypatch.setattr(trainer, "_create_model", create_model)
    return model


def run(job_dir, *argv):
    trainer.main(["--job-dir", str(job_dir), "--batch-size", "8", "--seed", "5", *map(str, argv)])


def header(job_dir):
    return (job_dir / "history.csv").read_text().splitlines()[0].split(",")


def files(job_dir):
    return sorted(file.name for file in job_dir.iterdir())


def check_predictions(file, classes, truth_dtype, record_ids):
    """The columns in their order, and float32 probabilities that sum to 1 or lie between 0 and 1."""
    frame = pd.read_csv(file)
    assert list(frame) == ["record_name", *[f"true_{c}" for c in classes], *[f"prob_{c}" for c in classes]]
    assert sorted(frame["record_name"]) == sorted(record_ids)
    predictions = read_predictions(file)
    assert predictions["y_true"].dtype == truth_dtype
    assert np.all((predictions["y_prob"] >= 0) & (predictions["y_prob"] <= 1))
    assert b"\r" not in file.read_bytes()
    return predictions


@pytest.fixture(scope="module")
def backbone_file(tmp_path_factory):
    """Weights of a one-lead, one-stage backbone, as pretraining writes them."""
    folder = tmp_path_factory.mktemp("weights")
    model = task_solver("beat", stages=1)
    model(tf.keras.layers.Input((64, 1)))
    model.save_weights(str(folder / "pretraining.weights.h5"))
    backbone = get_pretrained_weights(folder / "pretraining.weights.h5", "beat", stages=1)
    backbone.save_weights(str(folder / "backbone.weights.h5"))
    return folder / "backbone.weights.h5"


def test_single_label_command_then_whole_model(tmp_path, one_stage, backbone_file, monkeypatch):
    """`python -m finetuning.trainer ...` from a pretrained backbone, then again from the best model."""
    train = written(tmp_path / "train.pkl", single_label(40))
    test = written(tmp_path / "test.pkl", single_label(5, seed=2))
    job_dir = tmp_path / "jobs" / "af"
    command = f"--train {train} --test {test} --val-size 0.2 --weights-file {backbone_file} --val-metric f1 --epochs 2"
    argv = f"finetuning.trainer --job-dir {job_dir} {command} --batch-size 8 --arch resnet18 --verbose".split()
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.delitem(sys.modules, "finetuning.trainer")
    runpy.run_module("finetuning.trainer", run_name="__main__", alter_sys=True)
    prediction_files = ["test_predictions.csv", "train_predictions.csv", "val_predictions.csv"]
    assert files(job_dir) == ["best_model.weights.h5", "history.csv", *prediction_files]
    assert header(job_dir) == ["epoch", "acc", "loss", "val_acc", "val_loss"]  # quirk Q39: no f1
    ids = [pd.read_csv(job_dir / f"{name}_predictions.csv")["record_name"].tolist() for name in ("train", "val")]
    assert (len(ids[0]), len(ids[1])) == (32, 8)
    check_predictions(job_dir / "test_predictions.csv", SINGLE, bool, [f"A{i:05d}" for i in range(5)])
    val = check_predictions(job_dir / "val_predictions.csv", SINGLE, bool, ids[1])
    np.testing.assert_array_equal(val["y_true"].sum(0), [2, 2, 2, 2])  # stratified
    np.testing.assert_allclose(val["y_prob"].sum(1), 1, rtol=1e-6)

    two_leads = single_label(16, leads=2, dtype="float32")
    options = ["--train", written(tmp_path / "train2.pkl", two_leads), "--channel", 1, "--val-metric", "acc"]
    options += ["--val", written(tmp_path / "val2.pkl", single_label(4, 2)), "--test", tmp_path / "val2.pkl"]
    run(tmp_path / "whole", *options, "--weights-file", job_dir / "best_model.weights.h5")
    assert files(tmp_path / "whole") == files(job_dir)
    check_predictions(tmp_path / "whole/train_predictions.csv", SINGLE, bool, two_leads["record_ids"])


def test_multi_label_from_adjusted_weights(tmp_path, one_stage, backbone_file):
    adjust_network.main(["--weights-file", str(backbone_file), "--channels", "12", "--stages", "1"])
    train = written(tmp_path / "train.pkl", multi_label(24))
    test = written(tmp_path / "test.pkl", multi_label(6, seed=2))
    weights = backbone_file.with_name("backbone.adjusted.weights.h5")
    job_dir = tmp_path / "job"
    run(job_dir, "--train", train, "--val-size", 8, "--test", test, "--val-metric", "auc", "--weights-file", weights)
    assert header(job_dir) == ["epoch", "acc", "loss", "val_acc", "val_loss"]
    check_predictions(job_dir / "test_predictions.csv", MULTI, "int64", 100 + np.arange(6))
    assert len(pd.read_csv(job_dir / "val_predictions.csv")) == 8


def test_multi_label_subset_without_validation(tmp_path, one_stage):
    train = written(tmp_path / "train.pkl", multi_label(24))
    run(tmp_path / "job", "--train", train, "--subset", 0.5)
    assert files(tmp_path / "job") == ["best_model.weights.h5", "history.csv", "train_predictions.csv"]
    history = pd.read_csv(tmp_path / "job/history.csv", keep_default_na=False)
    assert list(history) == ["epoch", "acc", "loss", "val_acc", "val_loss"]
    assert history["val_loss"].tolist() == ["NA"]  # quirk Q38
    assert len(pd.read_csv(tmp_path / "job/train_predictions.csv")) == 12


@pytest.mark.full
def test_custom_metric_without_validation_runs(tmp_path, one_stage):
    train = written(tmp_path / "train.pkl", multi_label(24))
    with pytest.warns(UserWarning, match="shuffled"):
        run(tmp_path / "job", "--train", train, "--val-metric", "f1")
    assert (tmp_path / "job/best_model.weights.h5").exists()


def record_ids(job_dir, name):
    return pd.read_csv(job_dir / f"{name}_predictions.csv")["record_name"].tolist()


def test_split_then_subset_follow_the_seed(tmp_path, recorder):
    """Validation is split off before the subset, both stratified; the files keep the order of the split."""
    whole = single_label(40)
    run(tmp_path, "--train", written(tmp_path / "train.pkl", whole), "--val-size", 12, "--subset", 0.5)
    np.random.seed(5)
    rest, val = train_test_split(whole, test_size=12, stratify=whole["y"])
    train, _ = train_test_split(rest, train_size=0.5, stratify=rest["y"])
    assert record_ids(tmp_path, "val") == list(val["record_ids"])
    assert record_ids(tmp_path, "train") == list(train["record_ids"])
    assert sorted(train["y"].sum(0)) == [3, 3, 4, 4]
    predicted = read_predictions(tmp_path / "train_predictions.csv")["y_prob"][:, 0]
    np.testing.assert_allclose(predicted, train["x"][:, 0, 0], rtol=1e-14)  # pandas reads float64 to one ulp
    assert recorder.batch_size == 8


def test_multi_label_split_is_not_stratified(tmp_path, recorder):
    """Quirk Q49: a label pattern that occurs only once is not an error."""
    whole = multi_label(24)
    run(tmp_path, "--train", written(tmp_path / "train.pkl", whole), "--val-size", 0.25)
    np.random.seed(5)
    order = np.random.permutation(24)
    assert record_ids(tmp_path, "val") == list(whole["record_ids"][order[:6]])
    assert record_ids(tmp_path, "train") == list(whole["record_ids"][order[6:]])


def test_single_label_split_is_stratified(tmp_path, recorder):
    rare = single_label(9)
    rare["y"][1:] = rare["y"][1]
    with pytest.raises(ValueError):
        run(tmp_path, "--train", written(tmp_path / "train.pkl", rare), "--val-size", 0.5)


def test_validation_file_takes_precedence(tmp_path, recorder):
    train, val = single_label(16), single_label(4, seed=3)
    options = ["--train", written(tmp_path / "t.pkl", train), "--val", written(tmp_path / "v.pkl", val)]
    run(tmp_path, *options, "--val-size", 8)
    assert record_ids(tmp_path, "train") == list(train["record_ids"])
    assert record_ids(tmp_path, "val") == list(val["record_ids"])
    assert [len(y) for _, y in recorder.validation_data] == [4]


def test_training_batches_are_reshuffled(tmp_path, recorder):
    whole = single_label(20)
    run(tmp_path, "--train", written(tmp_path / "train.pkl", whole))
    passes = [np.concatenate([x[:, 0, 0] for x, _ in recorder.data]) for _ in range(2)]
    assert [len(y) for _, y in recorder.data] == [8, 8, 4]
    for order in passes:
        np.testing.assert_array_equal(np.sort(order), np.sort(whole["x"][:, 0, 0]))
    assert np.any(passes[0] != passes[1])


@pytest.mark.parametrize(("channel", "expected"), [(0, 1), (2, 1), (-1, 0)])
def test_channel(tmp_path, recorder, channel, expected):
    """-1 selects no lead, not the last one."""
    whole = single_label(8, leads=3)
    options = ["--train", written(tmp_path / "train.pkl", whole), "--val-size", 4, "--channel", channel]
    if expected == 0:
        recorder.predict = lambda x, batch_size: np.zeros((len(x), 4))
    run(tmp_path, *options)
    for data in (recorder.data, recorder.validation_data):
        for x, _ in data:
            assert x.shape[1:] == (256, expected)
    if expected:
        first = {float(x) for batch, _ in recorder.validation_data for x in batch[:, 0, 0]}
        assert first <= set(whole["x"][:, 0, channel])


@pytest.mark.parametrize("metric", ["loss", "acc", "f1", "auc"])
@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("kind", [single_label, multi_label])
def test_callbacks(tmp_path, recorder, metric, validated, kind):
    """Logger first (quirk Q39), then the checkpoint, then early stopping on the loss (quirk Q50)."""
    options = ["--train", written(tmp_path / "train.pkl", kind(16)), "--val-metric", metric]
    options += ["--val", tmp_path / "train.pkl"] if validated else []
    if metric in ("f1", "auc") and not validated:
        with pytest.warns(UserWarning, match="shuffled"):  # quirk Q36
            run(tmp_path, *options)
    else:
        run(tmp_path, *options)
    logger, checkpoint, *stopping = recorder.callbacks
    assert isinstance(logger, tf.keras.callbacks.CSVLogger)
    if metric in ("f1", "auc"):
        assert isinstance(checkpoint, CustomCheckpoint)
        name = "multi_f1" if metric == "f1" and kind is multi_label else metric
        assert checkpoint.metric_name == name
    else:
        assert isinstance(checkpoint, tf.keras.callbacks.ModelCheckpoint)
        assert checkpoint.monitor == (f"val_{metric}" if validated else metric)
        assert checkpoint.monitor_op is {"loss": np.less, "acc": np.greater}[metric]
        assert checkpoint.save_weights_only
    assert checkpoint.save_best_only
    assert recorder.loaded == str(tmp_path / "best_model.weights.h5")
    if validated:
        assert isinstance(stopping[0], tf.keras.callbacks.EarlyStopping)
        assert (stopping[0].monitor, stopping[0].patience) == ("val_loss", 50)
        assert not stopping[0].restore_best_weights
    else:
        assert stopping == []


def arguments(*argv):
    return trainer.parse_args(["--job-dir", "job", "--train", "data", *map(str, argv)])


@pytest.mark.parametrize(
    ("data", "activation", "loss", "accuracy"),
    [
        (single_label(4), "softmax", "CategoricalCrossentropy", "CategoricalAccuracy"),
        (multi_label(4), "sigmoid", "BinaryCrossentropy", "BinaryAccuracy"),
    ],
)
def test_compiled_model(one_stage, data, activation, loss, accuracy):
    model = trainer._create_model(arguments(), data)
    assert model.layers[-1].activation.__name__ == activation
    assert type(model.loss).__name__ == loss
    assert type(model._compile_metrics._user_metrics[0]).__name__ == accuracy
    adam = model.optimizer
    assert adam.learning_rate.numpy() == np.float32(1e-3)
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.9, 0.999, 1e-7)
    assert all(layer.trainable for layer in model.layers)
    assert model.output_shape == (None, len(data["classes"]))


@pytest.mark.parametrize("labels", [single_label, multi_label])
def test_loss_from_logits(one_stage, labels):
    """Probabilities are not clipped: a wrong answer with a logit of 100 costs 100."""
    data = labels(4)
    model = trainer._create_model(arguments(), data)
    logits = np.array([100.0] + [0] * (len(data["classes"]) - 1))
    model.layers[-1].set_weights([np.zeros((64, len(logits))), logits])
    if labels is single_label:
        expected = np.mean([100 - logits[np.argmax(y)] for y in data["y"]])
    else:
        expected = np.mean([np.logaddexp(0, logits) - logits * y for y in data["y"]])
    assert model.evaluate(data["x"], data["y"], verbose=0)[0] == pytest.approx(expected, rel=1e-6)


def test_backbone_weights_are_loaded(one_stage, backbone_file):
    """Quirk Q35: the head is new, everything else comes from the file."""
    model = trainer._create_model(arguments("--weights-file", backbone_file), single_label(4))
    backbone = utils.ecg_feature_extractor()
    backbone(tf.keras.layers.Input((256, 1)))
    backbone.load_weights(str(backbone_file))
    for a, b in zip(model.get_weights(), backbone.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert len(model.get_weights()) == len(backbone.get_weights()) + 2
    assert model.output_shape == (None, 4)


def test_whole_model_weights_are_loaded(tmp_path, one_stage):
    model = trainer._create_model(arguments(), single_label(4))
    model.save_weights(str(tmp_path / "model.weights.h5"))
    again = trainer._create_model(arguments("--weights-file", tmp_path / "model.weights.h5"), single_label(4))
    for a, b in zip(again.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="does not fit"):  # other classes
        trainer._create_model(arguments("--weights-file", tmp_path / "model.weights.h5"), multi_label(4, leads=1))


def test_weights_that_do_not_fit(tmp_path, one_stage, backbone_file):
    with pytest.raises(ValueError, match="adjust_network"):  # quirk Q51
        trainer._create_model(arguments("--weights-file", backbone_file), multi_label(4))
    with pytest.raises(ValueError, match="get_pretrained_weights"):
        pretraining_file = backbone_file.with_name("pretraining.weights.h5")
        trainer._create_model(arguments("--weights-file", pretraining_file), single_label(4))
    with pytest.raises((OSError, ValueError)):
        trainer._create_model(arguments("--weights-file", tmp_path / "missing.weights.h5"), single_label(4))


def test_one_record_test_set(tmp_path, recorder):
    """Quirk Q2: the train predictions are written, then the trainer stops."""
    test = written(tmp_path / "test.pkl", single_label(1))
    with pytest.raises(ValueError):
        run(tmp_path, "--train", written(tmp_path / "train.pkl", single_label(8)), "--test", test)
    assert len(record_ids(tmp_path, "train")) == 8
    assert not (tmp_path / "test_predictions.csv").exists()


def test_never_improving_leaves_no_file_to_reload(tmp_path, one_stage):
    """NaN is never an improvement, so there is no best model (quirk Q14)."""
    broken = single_label(8)
    broken["x"][:] = np.nan
    with pytest.raises((OSError, ValueError)):
        run(tmp_path, "--train", written(tmp_path / "train.pkl", broken))
    assert not (tmp_path / "best_model.weights.h5").exists()


def test_defaults():
    args = vars(trainer.parse_args(["--job-dir", "job", "--train", "data", "--misspelt", "1"]))  # quirk Q41
    expected = {
        "val": None, "test": None, "weights_file": None, "val_size": None, "arch": "resnet18", "subset": None,
        "batch_size": 32, "val_metric": "loss", "channel": None, "epochs": 1, "seed": None, "verbose": False,
    }  # fmt: skip
    assert {name: args[name] for name in expected} == expected


def test_unknown_metric_creates_nothing(tmp_path):
    with pytest.raises(ValueError, match="mse"):
        run(tmp_path / "job", "--train", "data", "--val-metric", "mse")
    assert not (tmp_path / "job").exists()


def test_seed_zero_is_no_seed(tmp_path, recorder, capsys):
    """Quirk Q42."""
    np.random.seed(11)
    run(tmp_path, "--train", written(tmp_path / "train.pkl", single_label(8)), "--seed", 0)
    np.random.seed(11)
    assert f"Seed: {np.random.randint(2**16)}\n" in capsys.readouterr().out
