"""pretraining.trainer.

Runs from the command line to the written files, on one-stage networks and a few steps:

| task   | training data    | validation                            | metric | also                           |
|--------|------------------|---------------------------------------|--------|--------------------------------|
| beat   | folder, unzipped | none                                  | loss   | runpy, get_pretrained_weights, |
|        |                  |                                       |        | --weights-file                 |
| hr     | folder, zipped   | --val-patients (count), --cache-val   | acc    |                                |
| rhythm | folder, zipped   | --val-file (the cache of another run) | f1     |                                |
| cpc    | folder, zipped   | --val-patients (fraction), --val-size | f1     | overlap, offset, negatives     |
| beat   | file             | --val-patients (split by patient)     | f1     |                                |
| cpc    | file             | none (--val-patients is refused)      | acc    | (full)                         |
| beat   | folder, unzipped | --val-file                            | loss   | --data-parallelism 2 (full)    |

What reaches `fit` (patients, frames, order of callbacks) is tested without training, by `FitRecorder`.
"""

import runpy
import sys

import numpy as np
import pytest
import tensorflow as tf
from fit_recorder import FitRecorder

from pretraining import trainer
from pretraining.utils import get_pretrained_weights
from transplant.datasets import icentia11k
from transplant.evaluation import CustomCheckpoint
from transplant.utils import load_pkl, save_pkl

FRAME_SIZE = 128
SMALL = "--stages 1 --frame-size 128 --batch-size 8 --steps-per-epoch 2 --samples-per-patient 2 --seed 5"


def run(job_dir, **options):
    """Run on a folder; underscores in option names become dashes, True gives a switch without a value."""
    _run(job_dir, [*SMALL.split(), "--patients", "0-4"], options)


def run_file(job_dir, train, **options):
    """Run on a data file, which --patients does not apply to."""
    _run(job_dir, [*SMALL.split(), "--train", str(train)], options)


def _run(job_dir, argv, options):
    argv = ["--job-dir", str(job_dir), *argv]
    for name, value in options.items():
        argv += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    trainer.main(argv)


@pytest.fixture
def recorder(monkeypatch):
    """Replace the model by one that does not train."""
    model = FitRecorder()
    monkeypatch.setattr(trainer, "_create_model", lambda args, input_spec: model)
    return model


def history(job_dir):
    text = (job_dir / "history.csv").read_bytes().decode()
    assert text.endswith("\r\n")
    header, *rows = [line.split(",") for line in text.split("\r\n")[:-1]]
    return header, rows


def files(job_dir):
    return sorted(file.name for file in job_dir.iterdir())


def frames(data):
    """Return the first sample of each frame, un-normalized, and the labels of a dataset of batches."""
    x, y = zip(*data.as_numpy_iterator())
    return np.rint(np.concatenate(x)[:, 0, 0].astype("float64") * 1.3711 + 0.0018).astype(int), np.concatenate(y)


def beat_data(patient_ids, frames_per_patient=8, **entries):
    """Return a data file's content: frames that hold their patient's id, labels 0 to 4 in turn."""
    patient_of_frame = np.repeat(np.array(patient_ids), frames_per_patient)
    n = len(patient_of_frame)
    x = np.ones((n, FRAME_SIZE, 1), "float32") * patient_of_frame[:, np.newaxis, np.newaxis].astype("float32")
    return {"x": x, "y": np.arange(n, dtype="int32") % 5, "patient_ids": patient_of_frame, **entries}


def cpc_data(n=16, context_size=3, ns=2):
    rng = np.random.RandomState(1)
    x = {
        "context": rng.standard_normal((n, context_size, FRAME_SIZE, 1)).astype("float32"),
        "samples": rng.standard_normal((n, ns + 1, FRAME_SIZE, 1)).astype("float32"),
    }
    return {"x": x, "y": np.arange(n, dtype="int32") % (ns + 1), "patient_ids": np.arange(n)}


def written(file, data):
    save_pkl(file, **data)
    return file


CPC = {"task": "cpc", "context_size": 3, "ns": 2}


def test_documented_command(tmp_path, icentia_unzipped, monkeypatch):
    """`python -m pretraining.trainer ...`, then extract the backbone, then continue training from the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(icentia_unzipped)
    command = "pretraining.trainer --job-dir jobs/beat --task beat --train data --unzipped --arch resnet18 --epochs 2"
    monkeypatch.setattr(sys, "argv", [*command.split(), *SMALL.split(), "--patients", "0-4"])
    monkeypatch.delitem(sys.modules, "pretraining.trainer")
    runpy.run_module("pretraining.trainer", run_name="__main__", alter_sys=True)
    job_dir = tmp_path / "jobs/beat"
    assert files(job_dir) == ["epoch_01_model.weights.h5", "epoch_02_model.weights.h5", "history.csv"]
    header, rows = history(job_dir)
    assert header == ["epoch", "acc", "loss", "val_acc", "val_loss"]
    assert [(row[0], row[3:]) for row in rows] == [("0", ["NA", "NA"]), ("1", ["NA", "NA"])]  # quirk Q38
    assert all(np.isfinite([float(value) for value in row[1:3]]).all() for row in rows)

    checkpoint = job_dir / "epoch_02_model.weights.h5"
    backbone = get_pretrained_weights(checkpoint_file=checkpoint, task="beat", arch="resnet18", stages=1)
    backbone.save_weights("resnet18.weights.h5")
    assert np.any(backbone.weights[3].numpy() != 0)  # the moving mean changed, so the backbone ran in training mode
    continued = []
    task_solver = trainer.task_solver
    monkeypatch.setattr(trainer, "task_solver", lambda *args: continued.append(task_solver(*args)) or continued[0])
    monkeypatch.setattr(tf.keras.Sequential, "fit", FitRecorder().fit)
    run("jobs/more", task="beat", train="data", unzipped=True, weights_file=checkpoint)
    for loaded, pretrained in zip(continued[0].layers[0].get_weights(), backbone.get_weights()):
        np.testing.assert_array_equal(loaded, pretrained)


def test_folder_with_validation_patients_and_cache(tmp_path, icentia_zipped):
    job_dir, cache = tmp_path / "deep" / "job", tmp_path / "val.pkl"
    run(job_dir, task="hr", train=icentia_zipped, val_patients=2, val_metric="acc", cache_val=cache)
    assert files(job_dir) == ["epoch_01_model.weights.h5", "history.csv"]
    header, ((epoch, *values),) = history(job_dir)
    assert header == ["epoch", "acc", "loss", "val_acc", "val_loss"]
    assert epoch == "0"
    assert np.isfinite([float(value) for value in values]).all()
    val = load_pkl(cache)
    assert val["x"].shape == (4, FRAME_SIZE, 1)  # two patients, two frames each
    assert len(val["patient_ids"]) == 2

    # quirk Q44: the cache serves as --val-file
    run(tmp_path / "next", task="rhythm", train=icentia_zipped, val_file=cache, val_metric="f1")
    header, _ = history(tmp_path / "next")
    assert header == ["epoch", "acc", "f1", "loss", "val_acc", "val_loss"]


def test_cpc_folder(tmp_path, icentia_zipped):
    options = {"context_overlap": 16, "positive_offset": 1, "val_patients": 0.4, "val_size": 6, "val_metric": "f1"}
    run(tmp_path, **CPC, **options, train=icentia_zipped, cache_val=tmp_path / "val.pkl", epochs=2)
    assert files(tmp_path) == ["epoch_01_model.weights.h5", "epoch_02_model.weights.h5", "history.csv", "val.pkl"]
    header, rows = history(tmp_path)
    assert header == ["epoch", "acc", "f1", "loss", "val_acc", "val_loss"]
    assert len(rows) == 2
    val = load_pkl(tmp_path / "val.pkl")
    assert val["x"]["context"].shape == (6, 3, FRAME_SIZE, 1)
    assert val["x"]["samples"].shape == (6, 3, FRAME_SIZE, 1)


def test_file_split_by_patient(tmp_path):
    train = written(tmp_path / "train.pkl", beat_data(range(5)))
    run_file(tmp_path / "job", train, task="beat", val_patients=0.2, val_metric="f1")
    header, _ = history(tmp_path / "job")
    assert header == ["epoch", "acc", "f1", "loss", "val_acc", "val_loss"]


@pytest.mark.full
def test_cpc_file(tmp_path, capsys):
    train = written(tmp_path / "train.pkl", cpc_data())
    run_file(tmp_path / "job", train, **CPC, val_patients=2, val_metric="acc")
    assert "without validation" in capsys.readouterr().out
    assert history(tmp_path / "job")[1][0][3:] == ["NA", "NA"]


@pytest.mark.full
def test_parallel_generators_with_validation_file(tmp_path, icentia_unzipped):
    val = written(tmp_path / "val.pkl", beat_data([0]))
    run(tmp_path / "job", task="beat", train=icentia_unzipped, unzipped=True, val_file=val, data_parallelism=2)
    assert history(tmp_path / "job")[0] == ["epoch", "acc", "loss", "val_acc", "val_loss"]


def test_seed_fixes_split_and_validation_frames(tmp_path, recorder, icentia_zipped):
    run(tmp_path, task="beat", train=icentia_zipped, val_patients=2, val_size=7, cache_val=tmp_path / "val.pkl")
    np.random.seed(5)
    order = np.random.permutation(5)
    val_ids = order[:2]
    patients = icentia11k.uniform_patient_generator(icentia_zipped, val_ids)
    generator = icentia11k.beat_data_generator(patients, FRAME_SIZE, 2)
    expected = [next(generator) for _ in range(7)]
    val = load_pkl(tmp_path / "val.pkl")
    np.testing.assert_array_equal(val["patient_ids"], val_ids)
    np.testing.assert_array_equal(val["y"], [y for _, y in expected])
    starts, _ = frames(recorder.validation_data)
    np.testing.assert_array_equal(starts, [x[0, 0] for x, _ in expected])
    np.testing.assert_array_equal(
        val["x"], [icentia11k.normalize(x).astype("float32") for x, _ in expected], strict=True
    )
    train_starts, _ = frames(recorder.data.take(3))
    assert set(train_starts // 100000) == set(order[2:])


def test_validation_samples_per_patient(tmp_path, recorder, icentia_zipped):
    run(tmp_path, task="beat", train=icentia_zipped, val_patients=2, val_samples_per_patient=5)
    starts, _ = frames(recorder.validation_data)
    assert np.unique(starts // 100000, return_counts=True)[1].tolist() == [5, 5]


def test_one_generator_follows_the_seed(tmp_path, recorder, icentia_zipped):
    """The frames before the shuffle; the buffer holds 16 times the samples per patient."""
    run(tmp_path, task="rhythm", train=icentia_zipped)
    starts, labels = frames(recorder.data.take(4))
    np.random.seed(5)
    patients = icentia11k.uniform_patient_generator(icentia_zipped, np.arange(5))
    generator = icentia11k.rhythm_data_generator(patients, FRAME_SIZE, 2)
    expected = [next(generator) for _ in range(64)]
    pairs = {(int(x[0, 0]), y) for x, y in expected}
    assert set(zip(starts, labels)) <= pairs
    assert recorder.options["steps_per_epoch"] == 2


def test_validation_file_removes_its_patients(tmp_path, recorder, icentia_zipped):
    val = written(tmp_path / "val.pkl", beat_data([1, 3]))
    run(tmp_path, task="beat", train=icentia_zipped, val_file=val, val_patients=2)
    starts, _ = frames(recorder.data.take(4))
    assert set(starts // 100000) == {0, 2, 4}
    assert sum(len(y) for _, y in recorder.validation_data) == 16


def test_data_parallelism(tmp_path, recorder, icentia_zipped):
    run(tmp_path, task="beat", train=icentia_zipped, data_parallelism=2)
    starts, labels = frames(recorder.data.take(4))
    assert len(labels) == 32
    assert {0, 1} <= set(starts // 100000) <= {0, 1, 2, 3}


def test_data_parallelism_drops_the_remainder(tmp_path, recorder, icentia_zipped, monkeypatch):
    """Quirk Q45: with two workers for five patients the last one is never used."""
    monkeypatch.setattr(trainer, "_task_dataset", lambda args, ids, _: tf.data.Dataset.from_tensor_slices((ids, ids)))
    run(tmp_path, task="beat", train=icentia_zipped, data_parallelism=2)
    assert sorted(np.concatenate([ids for ids, _ in recorder.data])) == [0, 1, 2, 3]


def test_file_with_validation_patients(tmp_path, recorder):
    train = written(tmp_path / "train.pkl", beat_data([7, 3, 9, 5]))
    run_file(tmp_path, train, task="beat", val_patients=0.5)
    np.random.seed(5)
    val_ids = np.array([3, 5, 7, 9])[np.random.permutation(4)[:2]]
    assert {int(x[0, 0]) for batch, _ in recorder.validation_data for x in batch} == set(val_ids)
    assert {int(x[0, 0]) for batch, _ in recorder.data for x in batch} == {3, 5, 7, 9} - set(val_ids)
    assert recorder.options["steps_per_epoch"] is None
    assert [len(y) for _, y in recorder.data] == [8, 8]
    shuffled = [int(y) for _, batch in recorder.data for y in batch]
    assert shuffled != [int(y) for _, batch in recorder.data for y in batch]


def test_file_keeps_a_short_last_batch(tmp_path, recorder):
    run_file(tmp_path, written(tmp_path / "train.pkl", beat_data([1], 11)), task="beat")
    assert [len(y) for _, y in recorder.data] == [8, 3]


def test_file_with_validation_file(tmp_path, recorder):
    train = written(tmp_path / "train.pkl", beat_data([1, 2, 3]))
    val = written(tmp_path / "val.pkl", beat_data([2, 8]))
    run_file(tmp_path, train, task="beat", val_file=val)
    assert {int(x[0, 0]) for batch, _ in recorder.data for x in batch} == {1, 3}
    assert {int(x[0, 0]) for batch, _ in recorder.validation_data for x in batch} == {2, 8}


@pytest.mark.parametrize("metric", ["loss", "acc", "f1"])
@pytest.mark.parametrize("validated", [True, False])
def test_callbacks(tmp_path, recorder, metric, validated):
    """Quirk Q47: every epoch is saved. The checkpoint comes before the logger."""
    train = written(tmp_path / "train.pkl", beat_data([1, 2, 3]))
    options = {"task": "beat", "val_metric": metric, **({"val_patients": 1} if validated else {})}
    if metric == "f1" and not validated:
        with pytest.raises(ValueError, match="--val-metric f1"):
            run_file(tmp_path, train, **options)
        return
    run_file(tmp_path, train, **options)
    checkpoint, logger = recorder.callbacks
    assert isinstance(logger, tf.keras.callbacks.CSVLogger)
    if metric == "f1":
        assert isinstance(checkpoint, CustomCheckpoint)
        assert checkpoint.metric_name == "f1"
    else:
        assert isinstance(checkpoint, tf.keras.callbacks.ModelCheckpoint)
        assert checkpoint.monitor == (f"val_{metric}" if validated else metric)
        assert checkpoint.save_weights_only
    assert not checkpoint.save_best_only


def test_compiled_model(tmp_path):
    args = trainer.parse_args(["--job-dir", "job", "--task", "hr", "--train", "data", "--stages", "1"])
    model = trainer._create_model(args, tf.TensorSpec((None, 64, 1), tf.float32))
    adam = model.optimizer
    assert adam.learning_rate.numpy() == np.float32(1e-3)
    assert (adam.beta_1, adam.beta_2, adam.epsilon) == (0.9, 0.98, 1e-9)
    assert model.loss.get_config()["from_logits"] is True
    assert model.built


def test_defaults():
    args = vars(trainer.parse_args(["--job-dir", "job", "--task", "beat", "--train", "data"]))
    expected = {
        "val_file": None, "cache_val": None, "weights_file": None, "unzipped": False, "val_patients": None,
        "val_size": None, "arch": "resnet18", "stages": None, "frame_size": 2048, "context_size": 8, "ns": 1,
        "positive_offset": 0, "context_overlap": 0, "batch_size": 32, "samples_per_patient": 1000,
        "val_samples_per_patient": None, "steps_per_epoch": 100, "epochs": 1, "val_metric": "loss",
        "data_parallelism": 1, "seed": None, "patients": None,
    }  # fmt: skip
    assert {name: args[name] for name in expected} == expected
    assert (str(args["job_dir"]), args["task"], str(args["train"])) == ("job", "beat", "data")


def test_unknown_options_are_ignored():
    """Quirk Q41."""
    args = trainer.parse_args("--job-dir job --task beat --train data --epoch-count 9 extra".split())
    assert args.epochs == 1


@pytest.mark.parametrize("missing", ["--job-dir", "--task", "--train"])
def test_required_options(missing, capsys):
    options = {"--job-dir": "job", "--task": "beat", "--train": "data"}
    with pytest.raises(SystemExit):
        trainer.parse_args([part for option, value in options.items() if option != missing for part in (option, value)])
    assert missing in capsys.readouterr().err


def test_seed_zero_is_no_seed(tmp_path, recorder, capsys):
    """Quirk Q42: a seed is drawn from NumPy's state."""
    train = written(tmp_path / "train.pkl", beat_data([1]))
    np.random.seed(11)
    run_file(tmp_path, train, task="beat", seed=0)
    np.random.seed(11)
    assert f"Seed: {np.random.randint(2**16)}\n" in capsys.readouterr().out


def test_unknown_metric_creates_nothing(tmp_path):
    with pytest.raises(ValueError, match="auc"):
        run(tmp_path / "job", task="beat", train=tmp_path, val_metric="auc")
    assert not (tmp_path / "job").exists()


def test_bad_arguments(tmp_path, recorder, icentia_zipped):
    train = written(tmp_path / "train.pkl", beat_data([1, 2]))
    with pytest.raises(ValueError, match="qrs"):
        run(tmp_path, task="qrs", train=icentia_zipped)
    with pytest.raises(ValueError, match="qrs"):
        run_file(tmp_path, train, task="qrs")
    with pytest.raises(ValueError):
        run_file(tmp_path, train, task="beat", seed=-1)
    with pytest.raises(ValueError, match="--patients"):
        run(tmp_path, task="beat", train=train)
    with pytest.raises(ValueError, match="5 training patients for 6"):
        run(tmp_path, task="beat", train=icentia_zipped, data_parallelism=6)
    with pytest.raises(ValueError, match="0 training patients"):
        run(tmp_path, task="beat", train=icentia_zipped, val_file=written(tmp_path / "v.pkl", beat_data(range(5))))


@pytest.mark.parametrize(
    "change",
    [
        {"x": np.zeros((8, FRAME_SIZE, 1))},
        {"x": np.zeros((8, FRAME_SIZE + 1, 1), "float32")},
        {"x": np.zeros((8, FRAME_SIZE), "float32")},
        {"y": np.zeros(8, "int64")},
        {"y": np.zeros((8, 1), "int32")},
    ],
)
@pytest.mark.parametrize("option", ["train", "val_file"])
def test_data_file_is_checked(tmp_path, recorder, change, option):
    good = written(tmp_path / "good.pkl", beat_data([1]))
    bad = written(tmp_path / "bad.pkl", beat_data([2], **change))
    with pytest.raises(ValueError, match=r"bad\.pkl"):
        run_file(tmp_path, task="beat", **({"train": good} | {option: bad}))


def test_cpc_file_is_checked(tmp_path, recorder):
    train = written(tmp_path / "train.pkl", cpc_data())
    with pytest.raises(ValueError):
        run_file(tmp_path, train, task="cpc", context_size=4, ns=2)
    with pytest.raises(ValueError):
        run_file(tmp_path, train, task="beat")
    run_file(tmp_path, train, task="cpc", context_size=3, ns=5)  # quirk Q5: the samples are never checked


def test_cpc_file_with_validation_file(tmp_path, recorder):
    """Quirk Q43."""
    train = written(tmp_path / "train.pkl", cpc_data())
    with pytest.raises(TypeError):
        run_file(tmp_path, train, **CPC, val_file=train)


def test_cache_is_no_training_file(tmp_path, recorder, icentia_zipped):
    """Quirk Q44: it lists patients, not the patient of each frame."""
    run(tmp_path, task="beat", train=icentia_zipped, val_patients=2, cache_val=tmp_path / "val.pkl")
    with pytest.raises(IndexError):
        run_file(tmp_path, tmp_path / "val.pkl", task="beat", val_patients=1)


@pytest.mark.parametrize(
    ("text", "patient_ids"),
    [("3", [3]), ("0-2,10", [0, 1, 2, 10]), ("5, 1-2 1", [1, 2, 5]), ("10999", [10999]), ("4-4", [4])],
)
def test_parse_patient_ids(tmp_path, text, patient_ids):
    assert trainer.parse_patient_ids(text).tolist() == patient_ids
    file = tmp_path / "ids.txt"
    file.write_text(text.replace(",", "\n") + "\n")
    assert trainer.parse_patient_ids(str(file)).tolist() == patient_ids


@pytest.mark.parametrize("text", ["", ",", "3-1", "11000", "-1", "1-", "1-2-3", "0-99999999999", "missing.txt", "1.5"])
def test_parse_patient_ids_errors(text):
    with pytest.raises(ValueError, match="0-19,25|expected rising"):
        trainer.parse_patient_ids(text)
