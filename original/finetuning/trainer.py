"""Finetune a network on labelled ECGs: `python -m finetuning.trainer --job-dir DIR --train FILE ...`.

Quirk Q40 (changed): the helpers take the parsed arguments as a parameter; upstream's read a module global.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf

from finetuning.utils import KERAS_3, ecg_feature_extractor, split_size, train_test_split
from transplant.evaluation import CustomCheckpoint, auc, f1, multi_f1
from transplant.utils import create_predictions_frame, is_multiclass, load_pkl

__all__ = ["main", "parse_args"]

# Quirk Q30 (changed): Keras 3 refuses upstream's name; with the old Keras it is kept.
CHECKPOINT_NAME = "best_model.weights.h5" if KERAS_3 else "best_model.weights"


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; ignore unknown options (quirk Q41)."""
    parser = argparse.ArgumentParser(prog="finetuning.trainer", description="Finetune a network on labelled ECGs.")
    add = parser.add_argument
    add("--job-dir", type=Path, required=True, help="output folder, created if missing")
    add("--train", type=Path, required=True, help="pickled training set")
    add("--val", type=Path, help="pickled validation set; takes precedence over --val-size")
    add("--test", type=Path, help="pickled test set")
    add("--weights-file", type=Path, help="weights of a pretrained backbone, or of a whole model of this kind")
    add("--val-size", type=float, help="training samples to validate on: a count if at least 1, else a fraction")
    add("--arch", default="resnet18", help="resnet18, resnet34 or resnet50")
    add("--subset", type=float, help="keep only so many (if at least 1) or such a fraction of the training samples")
    add("--batch-size", type=int, default=32, help="batch size over all devices")
    add("--val-metric", default="loss", help="loss, acc, f1 or auc: what the best model is best in")
    add("--channel", type=int, help="use this lead only")
    add("--epochs", type=int, default=1, help="epochs")
    add("--seed", type=int, help="seed of NumPy; 0 means none")
    add("--verbose", action="store_true", help="accepted, never read (quirk Q58)")
    return parser.parse_known_args(argv)[0]


def main(argv: Sequence[str] | None = None) -> None:
    """Train with the options of the command line.

    Writes `history.csv`, the best weights and `train_predictions.csv` to the job folder; if there are data for them,
    also `val_predictions.csv` and `test_predictions.csv`.

    Raises:
        ValueError: if an option has an invalid value, or the data or weights do not fit the model.
    """
    args = parse_args(argv)
    if args.val_metric not in ("loss", "acc", "f1", "auc"):
        raise ValueError(f"unknown --val-metric {args.val_metric!r}: expected 'loss', 'acc', 'f1' or 'auc'")
    args.job_dir.mkdir(parents=True, exist_ok=True)
    # Quirk Q42: 0 means no seed, and only NumPy is seeded.
    seed = args.seed or np.random.randint(2**16)
    print(f"Seed: {seed}")
    np.random.seed(seed)

    train, val, test = _load_data(args)
    train_data = _create_dataset(train).shuffle(len(train["x"])).batch(args.batch_size)
    val_data = None if val is None else _create_dataset(val).batch(args.batch_size)

    with tf.distribute.MirroredStrategy().scope():
        model = _create_model(args, train)
        checkpoint_path = str(args.job_dir / CHECKPOINT_NAME)
        # Quirk Q39: the logger comes first and never sees the score of a custom checkpoint.
        callbacks = [
            tf.keras.callbacks.CSVLogger(str(args.job_dir / "history.csv")),
            _create_checkpoint(args, checkpoint_path, (train_data, train), None if val is None else (val_data, val)),
        ]
        if val is not None:
            # Quirk Q50: independent of the metric. The best weights are loaded from the file below.
            callbacks.append(tf.keras.callbacks.EarlyStopping(monitor="val_loss", patience=50, verbose=1))
        model.fit(train_data, epochs=args.epochs, validation_data=val_data, callbacks=callbacks, verbose=2)

        model.load_weights(checkpoint_path)
        for name, data_set in (("train", train), ("val", val), ("test", test)):
            if data_set is None:
                continue
            predictions = create_predictions_frame(
                y_prob=model.predict(data_set["x"], batch_size=args.batch_size),
                y_true=data_set["y"],
                class_names=train["classes"],
                record_ids=data_set["record_ids"],
            )
            predictions.to_csv(args.job_dir / f"{name}_predictions.csv", index=False)


def _load_data(args: argparse.Namespace) -> tuple[dict, dict | None, dict | None]:
    """Return the training, validation and test sets. The validation set is split off before the subset."""
    train = load_pkl(args.train)
    val = None
    if args.val:
        val = load_pkl(args.val)
    elif args.val_size:
        # Quirk Q62: by record, even if patients have several.
        train, val = train_test_split(train, test_size=split_size(args.val_size), stratify=_strata(train))
    test = load_pkl(args.test) if args.test else None
    if args.subset:
        train, _ = train_test_split(train, train_size=split_size(args.subset), stratify=_strata(train))
    if args.channel is not None:
        for data_set in (train, val, test):
            if data_set is not None:
                data_set["x"] = data_set["x"][:, :, args.channel : args.channel + 1]
    return train, val, test


def _strata(data_set: dict) -> np.ndarray | None:
    # Quirk Q49 (changed): each distinct row of labels would be a class, and the split fails if one occurs only once.
    return None if is_multiclass(data_set["y"]) else data_set["y"]


def _create_dataset(data_set: dict) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((data_set["x"], data_set["y"]))


def _create_model(args: argparse.Namespace, train: dict) -> tf.keras.Model:
    num_classes = len(train["classes"])
    if is_multiclass(train["y"]):
        activation = "sigmoid"
        loss = tf.keras.losses.BinaryCrossentropy()
        accuracy = tf.keras.metrics.BinaryAccuracy(name="acc")
    else:
        activation = "softmax"
        loss = tf.keras.losses.CategoricalCrossentropy()
        accuracy = tf.keras.metrics.CategoricalAccuracy(name="acc")
    model = ecg_feature_extractor(args.arch)
    head = tf.keras.layers.Dense(num_classes, activation=activation)
    inputs = tf.keras.layers.Input(train["x"].shape[1:], dtype=train["x"].dtype)
    if args.weights_file and _lacks_head(args.weights_file):
        model(inputs)
        _load_weights(model, args)
        model.add(head)
        model(inputs)
    else:
        model.add(head)
        model(inputs)
        if args.weights_file:
            _load_weights(model, args)
    print(f"Parameters: {model.count_params():,}")
    model.compile(optimizer=tf.keras.optimizers.Adam(), loss=loss, metrics=[accuracy])
    return model


def _load_weights(model: tf.keras.Model, args: argparse.Namespace) -> None:
    try:
        model.load_weights(str(args.weights_file))
    except ValueError as error:
        # Quirk Q51: Keras's message names layers, but neither the file nor the leads.
        raise ValueError(
            f"{args.weights_file} does not fit {args.arch} on input {model.input_shape[1:]} with output "
            f"{model.output_shape[1:]}: check --arch; weights for one lead are fitted to several by "
            "finetuning.adjust_network"
        ) from error


def _lacks_head(weights_file: Path) -> bool:
    """Tell whether a weight file holds only a backbone.

    Quirk Q35 (changed): if the file lacks the head, Keras 3 raises an error after it has loaded the rest. The old Keras
    loads what there is, so it needs no distinction.

    Raises:
        ValueError: if the file holds a pretraining model, whose backbone lies one level deeper.
    """
    if not KERAS_3 or not h5py.is_hdf5(weights_file):
        return False
    with h5py.File(weights_file) as file:
        layers = file.get("layers", {})
        if "sequential" in layers:
            raise ValueError(
                f"{weights_file} holds a whole pretraining model: take its backbone out with "
                "pretraining.utils.get_pretrained_weights(...).save_weights('backbone.weights.h5')"
            )
        return "res_net" in layers and "dense" not in layers


def _create_checkpoint(args: argparse.Namespace, path: str, train: tuple, val: tuple | None):
    """Return the callback that saves the best weights; `train` and `val` are pairs of (batches, data set)."""
    if args.val_metric in ("loss", "acc"):
        monitor = args.val_metric if val is None else f"val_{args.val_metric}"
        return tf.keras.callbacks.ModelCheckpoint(
            path, monitor=monitor, save_best_only=True, save_weights_only=True, mode="auto", verbose=1
        )
    if val is None:
        # Quirk Q36
        warnings.warn(
            f"--val-metric {args.val_metric} without validation scores shuffled predictions against unshuffled labels, "
            "so the best epoch means nothing: add --val or --val-size",
            stacklevel=2,
        )
    batches, data_set = train if val is None else val
    if args.val_metric == "auc":
        score_fn = auc
    else:
        score_fn = multi_f1 if is_multiclass(train[1]["y"]) else f1
    return CustomCheckpoint(path, data=(batches, data_set["y"]), score_fn=score_fn, save_best_only=True, verbose=1)


if __name__ == "__main__":
    main()
