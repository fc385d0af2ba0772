"""Pretrain a network on Icentia11k: `python -m pretraining.trainer --job-dir DIR --task TASK --train DATA ...`.

Quirk Q40 (changed): the helpers take the parsed arguments as a parameter; upstream's read a module global.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sklearn.model_selection
import tensorflow as tf

from finetuning.utils import KERAS_3, split_size
from pretraining import datasets
from pretraining.utils import task_solver
from transplant.datasets import icentia11k
from transplant.evaluation import CustomCheckpoint, f1
from transplant.modules.utils import build_input_tensor_from_shape
from transplant.utils import load_pkl, matches_spec, save_pkl

__all__ = ["main", "parse_args", "parse_patient_ids"]

# Quirk Q30 (changed): Keras 3 refuses upstream's name; with the old Keras it is kept.
CHECKPOINT_NAME = "epoch_{epoch:02d}_model.weights.h5" if KERAS_3 else "epoch_{epoch:02d}/model.weights"

_DATASETS = {
    "rhythm": datasets.rhythm_dataset,
    "beat": datasets.beat_dataset,
    "hr": datasets.heart_rate_dataset,
    "cpc": datasets.cpc_dataset,
}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; ignore unknown options (quirk Q41)."""
    parser = argparse.ArgumentParser(prog="pretraining.trainer", description="Pretrain a network on Icentia11k.")
    add = parser.add_argument
    add("--job-dir", type=Path, required=True, help="output folder, created if missing")
    add("--task", required=True, help="rhythm, beat, hr or cpc")
    add("--train", type=Path, required=True, help="Icentia11k folder, or one pickled data file")
    add("--val-file", type=Path, help="pickled validation set; takes precedence over --val-patients")
    add("--cache-val", type=Path, help="where to store validation frames collected from the folder")
    add("--weights-file", type=Path, help="checkpoint of the same model to start from")
    add("--unzipped", action="store_true", help="the folder holds unzipped files")
    add("--val-patients", type=float, help="validation patients: a count if at least 1, else a fraction")
    add("--val-size", type=int, help="validation frames to collect from the folder")
    add("--arch", default="resnet18", help="resnet18, resnet34 or resnet50")
    add("--stages", type=int, help="use only the first so many stages of the network")
    add("--frame-size", type=int, default=2048, help="samples per frame")
    add("--context-size", type=int, default=8, help="frames in a CPC context")
    add("--ns", type=int, default=1, help="CPC negatives")
    add("--positive-offset", type=int, default=0, help="frames between a CPC context and its positive")
    add("--context-overlap", type=int, default=0, help="samples shared by neighbouring frames of a CPC context")
    add("--batch-size", type=int, default=32, help="batch size over all devices")
    add("--samples-per-patient", type=int, default=1000, help="frames taken each time a patient is loaded")
    add("--val-samples-per-patient", type=int, help="the same for validation")
    add("--steps-per-epoch", type=int, default=100, help="batches per epoch (folder only)")
    add("--epochs", type=int, default=1, help="epochs")
    add("--val-metric", default="loss", help="loss, acc or f1; every epoch is saved whatever it is")
    add("--data-parallelism", type=int, default=1, help="generators working in parallel (folder only)")
    add("--seed", type=int, help="seed of NumPy; 0 means none")
    add("--patients", help="addition to upstream: use only these ids of the folder, as in 0-19,25, or a file of such")
    return parser.parse_known_args(argv)[0]


def parse_patient_ids(text: str) -> np.ndarray:
    """Return the sorted, distinct patient ids of a list such as '0-19,25', or of a file with such a list.

    In a file, line ends and blanks separate ids as commas do. Ranges include both ends.

    Raises:
        ValueError: if the text is neither, or contains the id of a patient that Icentia11k does not have.
    """
    content, source = text, "in --patients"
    if not re.fullmatch(r"[0-9,\s-]*", text):
        if not Path(text).is_file():
            raise ValueError(f"--patients {text!r} is neither a list of ids nor a file: write e.g. 0-19,25")
        content, source = Path(text).read_text(), f"in {text}"
    patient_ids: set[int] = set()
    for part in content.replace(",", " ").split():
        ids = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", part)
        if ids is None:
            raise ValueError(f"{part!r} {source} is neither a patient id nor a range of ids: write e.g. 0-19,25")
        first, last = int(ids[1]), int(ids[2] or ids[1])
        if not first <= last <= icentia11k.ds_patient_ids[-1]:
            raise ValueError(f"{part!r} {source}: expected rising ids of 0 to {icentia11k.ds_patient_ids[-1]}")
        patient_ids.update(range(first, last + 1))
    if not patient_ids:
        raise ValueError(f"no patient ids {source}: write e.g. 0-19,25")
    return np.array(sorted(patient_ids))


def main(argv: Sequence[str] | None = None) -> None:
    """Train with the options of the command line.

    Writes `history.csv` and the weights of every epoch to the job folder.

    Raises:
        ValueError: if an option has an invalid value, or the data do not fit the task.
    """
    args = parse_args(argv)
    if args.val_metric not in ("loss", "acc", "f1"):
        raise ValueError(f"unknown --val-metric {args.val_metric!r}: expected 'loss', 'acc' or 'f1'")
    args.job_dir.mkdir(parents=True, exist_ok=True)
    # Quirk Q42: 0 means no seed, and only NumPy is seeded.
    seed = args.seed or np.random.randint(2**16)
    print(f"Seed: {seed}")
    np.random.seed(seed)

    val = val_data = None
    if args.val_file:
        val = load_pkl(args.val_file)
        val_data = _dataset_from_arrays(args, val, source=args.val_file)
    if args.train.is_file():
        train_data, split = _file_data(args, val)
        steps_per_epoch = None
    else:
        train_data, split = _folder_data(args, val)
        steps_per_epoch = args.steps_per_epoch
    if split is not None:
        val, val_data = split, _dataset_from_arrays(args, split, source=args.train)
    train_data = train_data.batch(args.batch_size)
    if val_data is not None:
        val_data = val_data.batch(args.batch_size)

    with tf.distribute.MirroredStrategy().scope():
        model = _create_model(args, train_data.element_spec[0])
        checkpoint = _create_checkpoint(args, val, val_data)
        logger = tf.keras.callbacks.CSVLogger(str(args.job_dir / "history.csv"))
        model.fit(
            train_data,
            steps_per_epoch=steps_per_epoch,
            epochs=args.epochs,
            validation_data=val_data,
            callbacks=[checkpoint, logger],
            verbose=2,
        )


def _file_data(args: argparse.Namespace, val: dict | None) -> tuple[tf.data.Dataset, dict | None]:
    """Return the shuffled training samples of a file, and the validation set, if there is one."""
    if args.patients:
        raise ValueError("--patients restricts the patients of a folder, but --train is a file")
    train, split = load_pkl(args.train), None
    if val is not None:
        train = _select(train, ~np.isin(train["patient_ids"], val["patient_ids"]))
    elif args.val_patients and args.task == "cpc":
        print("A CPC file cannot be split by patient: training without validation.")
    elif args.val_patients:
        _, val_ids = sklearn.model_selection.train_test_split(
            np.unique(train["patient_ids"]), test_size=split_size(args.val_patients)
        )
        is_val = np.isin(train["patient_ids"], val_ids)
        train, split = _select(train, ~is_val), _select(train, is_val)
    train_data = _dataset_from_arrays(args, train, source=args.train)
    return train_data.shuffle(len(train["y"])), split


def _select(data: dict, mask: np.ndarray) -> dict:
    # Quirk Q43: the nested x of CPC cannot be masked.
    nested = [key for key, value in data.items() if isinstance(value, dict)]
    if nested:
        raise TypeError(f"samples of {nested[0]!r} cannot be selected by patient: leave out --val-file for CPC files")
    return {key: value[mask] for key, value in data.items()}


def _folder_data(args: argparse.Namespace, val: dict | None) -> tuple[tf.data.Dataset, dict | None]:
    """Return an endless stream of training frames, and newly collected validation frames, if there are any."""
    patient_ids, split = icentia11k.ds_patient_ids, None
    if args.patients:
        patient_ids = parse_patient_ids(args.patients)
    if val is not None:
        patient_ids = np.setdiff1d(patient_ids, val["patient_ids"])
    elif args.val_patients:
        patient_ids, val_ids = sklearn.model_selection.train_test_split(
            patient_ids, test_size=split_size(args.val_patients)
        )
        split = _collect_validation(args, val_ids)
    return _frame_stream(args, patient_ids), split


def _collect_validation(args: argparse.Namespace, patient_ids: np.ndarray) -> dict:
    samples_per_patient = args.val_samples_per_patient or args.samples_per_patient
    num_frames = args.val_size or len(patient_ids) * samples_per_patient
    frames = _task_dataset(args, patient_ids, samples_per_patient)
    # Quirk Q46: TensorFlow reads ahead of this batch, so the seed does not determine the training frames after it.
    x, y = tf.nest.map_structure(lambda tensor: tensor.numpy(), next(iter(frames.batch(num_frames))))
    # Quirk Q44: the patients, not the patient of each frame.
    val = {"x": x, "y": y, "patient_ids": patient_ids}
    if args.cache_val:
        save_pkl(args.cache_val, **val)
    return val


def _frame_stream(args: argparse.Namespace, patient_ids: np.ndarray) -> tf.data.Dataset:
    workers = args.data_parallelism
    # Quirk Q26 (changed): without patients, the generators would never return.
    if len(patient_ids) < max(workers, 1):
        raise ValueError(
            f"{len(patient_ids)} training patients for {workers} generators: give more --patients, fewer validation "
            "patients or a smaller --data-parallelism"
        )
    if workers > 1:
        # Quirk Q45: if `workers` does not divide the number of patients, the last ones are never used. TensorFlow runs
        # only as many workers as there are cores, and the streams are endless, so the other workers never start.
        share, ids = len(patient_ids) // workers, tf.constant(patient_ids)
        frames = tf.data.Dataset.range(workers).interleave(
            lambda i: _task_dataset(args, ids[i * share : (i + 1) * share], args.samples_per_patient),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    else:
        frames = _task_dataset(args, patient_ids, args.samples_per_patient)
    return frames.prefetch(tf.data.AUTOTUNE).shuffle(16 * args.samples_per_patient)


def _task_dataset(args: argparse.Namespace, patient_ids, samples_per_patient: int) -> tf.data.Dataset:
    _check_task(args)
    options = {"unzipped": args.unzipped, "samples_per_patient": samples_per_patient}
    if args.task == "cpc":
        options.update(
            context_size=args.context_size,
            ns=args.ns,
            context_overlap=args.context_overlap,
            positive_offset=args.positive_offset,
        )
    return _DATASETS[args.task](str(args.train), patient_ids, args.frame_size, **options)


def _dataset_from_arrays(args: argparse.Namespace, data: dict, source: Path) -> tf.data.Dataset:
    """Check shapes and dtypes of a data file and return its samples as a dataset."""
    _check_task(args)
    frame = (args.frame_size, 1)
    if args.task == "cpc":
        x = {
            "context": tf.TensorSpec((None, args.context_size, *frame), tf.float32),
            "samples": tf.TensorSpec((None, args.ns + 1, *frame), tf.float32),
        }
    else:
        x = tf.TensorSpec((None, *frame), tf.float32)
    spec = (x, tf.TensorSpec((None,), tf.int32))
    samples = (data["x"], data["y"])
    same_kind = isinstance(data["x"], dict) == (args.task == "cpc")
    if not (same_kind and matches_spec(samples, spec, ignore_batch_dim=True)):
        found = tf.nest.map_structure(lambda array: f"{array.dtype}{array.shape}", samples)
        raise ValueError(
            f"{source}: x and y are {found}, expected {spec} for --task {args.task}: check --task, --frame-size and "
            "the CPC options against those the file was made with"
        )
    return tf.data.Dataset.from_tensor_slices(samples)


def _check_task(args: argparse.Namespace) -> None:
    if args.task not in _DATASETS:
        raise ValueError(f"unknown --task {args.task!r}: expected one of {', '.join(_DATASETS)}")


def _create_model(args: argparse.Namespace, input_spec) -> tf.keras.Model:
    model = task_solver(args.task, args.arch, args.stages)
    model.compile(
        optimizer=tf.keras.optimizers.Adam(learning_rate=1e-3, beta_1=0.9, beta_2=0.98, epsilon=1e-9),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[tf.keras.metrics.SparseCategoricalAccuracy(name="acc")],
    )
    shape = tf.nest.map_structure(lambda spec: spec.shape, input_spec)
    dtype = tf.nest.map_structure(lambda spec: spec.dtype, input_spec)
    model(build_input_tensor_from_shape(shape, dtype=dtype, ignore_batch_dim=True))
    print(f"Parameters: {model.count_params():,}")
    if args.weights_file:
        model.load_weights(str(args.weights_file))
    return model


def _create_checkpoint(args: argparse.Namespace, val: dict | None, val_data) -> tf.keras.callbacks.Callback:
    """Return the callback that saves the weights of every epoch, whatever the metric (quirk Q47)."""
    path = str(args.job_dir / CHECKPOINT_NAME)
    if args.val_metric != "f1":
        monitor = args.val_metric if val_data is None else f"val_{args.val_metric}"
        return tf.keras.callbacks.ModelCheckpoint(
            path, monitor=monitor, save_best_only=False, save_weights_only=True, verbose=1
        )
    if val_data is None:
        raise ValueError("--val-metric f1 needs validation data: add --val-file or --val-patients")
    return CustomCheckpoint(path, data=(val_data, val["y"]), score_fn=f1, save_best_only=False, verbose=1)


if __name__ == "__main__":
    main()
