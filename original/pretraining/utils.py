"""Pretraining models, their weights, and unzipping of Icentia11k."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf
from tqdm import tqdm

from finetuning.utils import ecg_feature_extractor
from transplant.datasets import icentia11k
from transplant.modules.resnet1d import BottleneckBlock, ResidualBlock
from transplant.modules.transformer import Encoder
from transplant.modules.utils import build_input_tensor_from_shape
from transplant.tasks.cpc import CPCSolver

__all__ = ["get_pretrained_weights", "task_solver", "unzip_icentia11k"]

_TASK_CLASSES = {
    "rhythm": len(icentia11k.ds_rhythm_names),
    "beat": len(icentia11k.ds_beat_names),
    "hr": len(icentia11k.ds_hr_names),
}


def unzip_icentia11k(
    db_dir: str | Path,
    patient_ids: Iterable[int],
    out_dir: str | Path,
    num_workers: int = 1,
    patients_per_worker: int = 1,
    verbose: bool = False,
) -> None:
    """Convert patients from the zipped to the unzipped form.

    Args:
        db_dir: folder with `ppppp_batched.pkl.gz` and `ppppp_batched_lbls.pkl.gz`.
        patient_ids: patients to convert.
        out_dir: folder for `ppppp_batched.npy` and `ppppp_batched_lbls.npz`, created if missing.
        num_workers: number of processes; 1 uses this process.
        patients_per_worker: number of patients that a process gets at a time.
        verbose: show a progress bar.
    """
    Path(out_dir).mkdir(parents=True, exist_ok=True)
    patient_ids = list(patient_ids)
    unzip = functools.partial(_unzip_patient, db_dir, out_dir)
    if num_workers > 1:
        # Quirk Q57: upstream leaves the pool open. Closing it does not change the results.
        with multiprocessing.Pool(num_workers) as pool:
            done = pool.imap_unordered(unzip, patient_ids, chunksize=patients_per_worker)
            _exhaust(done, len(patient_ids), verbose)
    else:
        _exhaust(map(unzip, patient_ids), len(patient_ids), verbose)


def _unzip_patient(db_dir: str | Path, out_dir: str | Path, patient_id: int) -> None:
    icentia11k.unzip_patient_data(db_dir, patient_id, out_dir=out_dir)


def _exhaust(iterator: Iterable, total: int, verbose: bool) -> None:
    for _ in tqdm(iterator, total=total, disable=not verbose):
        pass


def task_solver(task: str, arch: str = "resnet18", stages: int | None = None, return_feature_extractor: bool = False):
    """Return the unbuilt model of a pretraining task; its outputs are logits.

    Args:
        task: 'rhythm' (6 classes), 'beat' (5), 'hr' (4) or 'cpc'.
        arch: backbone, as in `ecg_feature_extractor`.
        stages: stages of the backbone, as in `ecg_feature_extractor`.
        return_feature_extractor: also return the backbone.

    Returns:
        The model, or the model and its backbone. Classifiers take (batch, frame_size, 1); `CPCSolver` a dict.

    Raises:
        ValueError: if the task or the architecture is unknown, or no stage is left.
    """
    feature_extractor = ecg_feature_extractor(arch, stages)
    d_model = _feature_size(feature_extractor)
    if task in _TASK_CLASSES:
        model = tf.keras.Sequential([feature_extractor, tf.keras.layers.Dense(_TASK_CLASSES[task])])
    elif task == "cpc":
        encoder = Encoder(num_layers=3, d_model=d_model, num_heads=8, dff=2 * d_model, dropout=0.0)
        model = CPCSolver(feature_extractor, encoder)
    else:
        raise ValueError(f"unknown task {task!r}: expected 'rhythm', 'beat', 'hr' or 'cpc'")
    return (model, feature_extractor) if return_feature_extractor else model


def _feature_size(feature_extractor: tf.keras.Sequential) -> int:
    last_layer = feature_extractor.layers[0].layers[-1]
    if isinstance(last_layer, ResidualBlock):
        return last_layer.filters
    if isinstance(last_layer, BottleneckBlock):
        return last_layer.filters * last_layer.expansion
    raise ValueError(f"the backbone must end in a residual block, got {type(last_layer).__name__}: check `stages`")


def get_pretrained_weights(checkpoint_file: str | Path, task: str, arch: str = "resnet18", stages: int | None = None):
    """Return the backbone of a pretraining checkpoint; `.save_weights(...)` writes it to a file for finetuning.

    Args:
        checkpoint_file: weights written by `pretraining.trainer`.
        task: the task it was trained on.
        arch: its architecture.
        stages: its `--stages`.

    Returns:
        The backbone of `ecg_feature_extractor`, built for one lead.

    Raises:
        ValueError: if the file does not fit the model.
    """
    model, feature_extractor = task_solver(task, arch, stages, return_feature_extractor=True)
    if task == "cpc":
        # The weights do not depend on the length of a frame.
        shape = {"context": tf.TensorShape((1, 1, 1)), "samples": tf.TensorShape((1, 1, 1))}
    else:
        shape = tf.TensorShape((None, 1))
    model(build_input_tensor_from_shape(shape))
    model.load_weights(str(checkpoint_file))
    return feature_extractor
