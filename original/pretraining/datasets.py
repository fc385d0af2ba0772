"""Streams of Icentia11k frames for pretraining, as generators and as ``tf.data`` data sets."""

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any, Callable, Union

import tensorflow as tf

from transplant.datasets import icentia11k
from transplant.utils import buffered_generator

PathName = Union[str, PathLike]
LabelledFrames = Iterator[tuple[Any, int]]


def rhythm_dataset(
    db_dir: PathName,
    patient_ids: Sequence[int],
    frame_size: int,
    normalize: bool = True,
    unzipped: bool = False,
    samples_per_patient: int = 1,
) -> tf.data.Dataset:
    """Return :func:`rhythm_generator` as a data set.

    Elements: ``x`` float32 ``(frame_size, 1)``, ``y`` int32 scalar.
    """
    args = (str(db_dir), patient_ids, frame_size, normalize, unzipped, samples_per_patient)
    return _frame_dataset(rhythm_generator, args, frame_size)


def rhythm_generator(
    db_dir: Union[PathName, bytes],
    patient_ids: Sequence[int],
    frame_size: int,
    normalize: bool = True,
    unzipped: bool = False,
    samples_per_patient: int = 1,
) -> LabelledFrames:
    """Yield frames with their rhythm label, without end.

    Args:
        db_dir: folder of Icentia11k.
        patient_ids: ids to load, shuffled before each pass.
        frame_size: samples.
        normalize: apply mean and standard deviation of the data set.
        unzipped: storage of the files.
        samples_per_patient: frames per loaded patient.

    Yields:
        Frame ``(frame_size, 1)`` and its label; see :func:`transplant.datasets.icentia11k.rhythm_data_generator`.
    """
    patients = icentia11k.uniform_patient_generator(_str(db_dir), patient_ids, unzipped=bool(unzipped))
    frames = icentia11k.rhythm_data_generator(patients, frame_size, samples_per_patient)
    return _normalized(frames) if normalize else frames


def beat_dataset(
    db_dir: PathName,
    patient_ids: Sequence[int],
    frame_size: int,
    normalize: bool = True,
    unzipped: bool = False,
    samples_per_patient: int = 1,
) -> tf.data.Dataset:
    """Return :func:`beat_generator` as a data set, with the elements of :func:`rhythm_dataset`."""
    args = (str(db_dir), patient_ids, frame_size, normalize, unzipped, samples_per_patient)
    return _frame_dataset(beat_generator, args, frame_size)


def beat_generator(
    db_dir: Union[PathName, bytes],
    patient_ids: Sequence[int],
    frame_size: int,
    normalize: bool = True,
    unzipped: bool = False,
    samples_per_patient: int = 1,
) -> LabelledFrames:
    """Yield frames with their beat label, without end; arguments as for :func:`rhythm_generator`."""
    patients = icentia11k.uniform_patient_generator(_str(db_dir), patient_ids, unzipped=bool(unzipped))
    frames = icentia11k.beat_data_generator(patients, frame_size, samples_per_patient)
    return _normalized(frames) if normalize else frames


def heart_rate_dataset(
    db_dir: PathName,
    patient_ids: Sequence[int],
    frame_size: int,
    normalize: bool = True,
    unzipped: bool = False,
    samples_per_patient: int = 1,
) -> tf.data.Dataset:
    """Return :func:`heart_rate_generator` as a data set, with the elements of :func:`rhythm_dataset`.

    Quirk Q22: frames of an odd size have one sample too few, which the data set refuses (``InvalidArgumentError``).
    """
    args = (str(db_dir), patient_ids, frame_size, normalize, unzipped, samples_per_patient)
    return _frame_dataset(heart_rate_generator, args, frame_size)


def heart_rate_generator(
    db_dir: Union[PathName, bytes],
    patient_ids: Sequence[int],
    frame_size: int,
    normalize: bool = True,
    unzipped: bool = False,
    samples_per_patient: int = 1,
) -> LabelledFrames:
    """Yield frames with their heart-rate label, without end; arguments as for :func:`rhythm_generator`."""
    patients = icentia11k.uniform_patient_generator(_str(db_dir), patient_ids, unzipped=bool(unzipped))
    frames = icentia11k.heart_rate_data_generator(patients, frame_size, samples_per_patient=samples_per_patient)
    return _normalized(frames) if normalize else frames


def cpc_dataset(
    db_dir: PathName,
    patient_ids: Sequence[int],
    frame_size: int,
    context_size: int,
    ns: int,
    context_overlap: int = 0,
    positive_offset: int = 0,
    num_buffered_patients: int = 16,
    normalize: bool = True,
    unzipped: bool = False,
    samples_per_patient: int = 1,
) -> tf.data.Dataset:
    """Return :func:`cpc_generator` as a data set.

    Elements: ``{'context': (context_size, frame_size, 1), 'samples': (ns + 1, frame_size, 1)}`` float32, ``y`` int32
    scalar.
    """
    x_spec = {
        "context": tf.TensorSpec((context_size, frame_size, 1), tf.float32),
        "samples": tf.TensorSpec((ns + 1, frame_size, 1), tf.float32),
    }
    args = (
        str(db_dir),
        patient_ids,
        frame_size,
        context_size,
        ns,
        context_overlap,
        positive_offset,
        num_buffered_patients,
        normalize,
        unzipped,
        samples_per_patient,
    )
    return _dataset(cpc_generator, args, x_spec)


def cpc_generator(
    db_dir: Union[PathName, bytes],
    patient_ids: Sequence[int],
    frame_size: int,
    context_size: int,
    ns: int,
    context_overlap: int = 0,
    positive_offset: int = 0,
    num_buffered_patients: int = 16,
    normalize: bool = True,
    unzipped: bool = False,
    samples_per_patient: int = 1,
) -> LabelledFrames:
    """Yield contexts with candidates for what follows, without end.

    Args:
        db_dir: folder of Icentia11k; labels are not read.
        patient_ids: ids to load, shuffled before each pass.
        frame_size: samples.
        context_size: frames of the context.
        ns: number of negative samples.
        context_overlap: samples shared by neighbouring frames of the context.
        positive_offset: frames between the context and the positive sample.
        num_buffered_patients: number of patients from which negative samples are drawn.
        normalize: apply mean and standard deviation of the data set.
        unzipped: storage of the files.
        samples_per_patient: items per loaded patient.

    Yields:
        What :func:`transplant.datasets.icentia11k.cpc_data_generator` yields.
    """
    patients = icentia11k.uniform_patient_generator(
        _str(db_dir), patient_ids, include_labels=False, unzipped=bool(unzipped)
    )
    frames = icentia11k.cpc_data_generator(
        buffered_generator(patients, num_buffered_patients),
        context_size,
        ns,
        frame_size,
        context_overlap,
        positive_offset,
        samples_per_patient=samples_per_patient,
    )
    return _normalized(frames) if normalize else frames


def _frame_dataset(generator: Callable[..., LabelledFrames], args: tuple, frame_size: int) -> tf.data.Dataset:
    return _dataset(generator, args, tf.TensorSpec((frame_size, 1), tf.float32))


def _dataset(generator: Callable[..., LabelledFrames], args: tuple, x_spec: Any) -> tf.data.Dataset:
    """Wrap a generator; it gets ``args`` as NumPy values and bytes, because tf.data passes them as tensors."""
    # Quirk Q54: the original uses the deprecated output_types
    return tf.data.Dataset.from_generator(generator, args=args, output_signature=(x_spec, tf.TensorSpec((), tf.int32)))


def _normalized(frames: LabelledFrames) -> LabelledFrames:
    for x, y in frames:
        if isinstance(x, dict):
            yield {name: icentia11k.normalize(part) for name, part in x.items()}, y
        else:
            yield icentia11k.normalize(x), y


def _str(path: Union[PathName, bytes]) -> str:
    return path.decode() if isinstance(path, bytes) else str(path)
