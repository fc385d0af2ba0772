"""Icentia11k: loading, labelling and sampling of single-lead recordings of 11,000 patients at 250 Hz.

A *mark* is the sample position at which a beat or a rhythm ends, with the code of its kind. All random draws come
from NumPy's global legacy generator, and their number, order and kind are part of the behaviour.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np

from transplant.utils import load_pkl

ds_segment_size = 2**20 + 1  # samples of a full segment
ds_frame_size = 2**11 + 1  # samples
ds_patient_ids = np.arange(11000)  # Quirk Q21: all of them are assumed to exist
ds_sampling_rate = 250  # Hz
ds_mean = 0.0018  # mV
ds_std = 1.3711  # mV

ds_beat_names = {0: "undefined", 1: "normal", 2: "pac", 3: "aberrated", 4: "pvc"}
ds_rhythm_names = {0: "undefined", 1: "end", 2: "noise", 3: "normal", 4: "afib", 5: "aflut"}
ds_hr_names = {0: "tachy", 1: "brady", 2: "normal", 3: "noise"}

# labels of the first group take precedence over those of the second
_HI_PRIO_RHYTHMS = [0, 4, 5]
_LO_PRIO_RHYTHMS = [1, 2, 3]
_HI_PRIO_BEATS = [2, 3, 4]
_LO_PRIO_BEATS = [0, 1]

_HR_TACHYCARDIA = 0
_HR_BRADYCARDIA = 1
_HR_NORMAL = 2
_HR_NOISE = 3

PathName = Union[str, os.PathLike]
Marks = tuple[np.ndarray, np.ndarray]  # positions, codes
PatientData = tuple[np.ndarray, Any]  # signal, labels
Patient = tuple[int, PatientData]


# sampling ------------------------------------------------------------------------------------------------------------


def rhythm_data_generator(
    patient_generator: Iterable[Patient], frame_size: int = 2048, samples_per_patient: int = 1
) -> Iterator[tuple[np.ndarray, int]]:
    """Yield frames with their rhythm label.

    Args:
        patient_generator: yields ``(id, (signal, labels))``.
        frame_size: samples; segments must be longer (Quirk Q17).
        samples_per_patient: frames per item of ``patient_generator``.

    Yields:
        Frame ``(frame_size, 1)`` in the dtype of the signal, and its label (``ds_rhythm_names``).
    """
    for _, (signal, labels) in patient_generator:
        shape = _shape_of(signal)
        rhythms = labels["rtype"]  # a lazy .npz file reads the member again at each access
        for _ in range(samples_per_patient):
            segment, start, frame = _draw_frame(signal, shape, frame_size)
            ends, codes = rhythms[segment]
            yield frame, get_rhythm_label(*get_rhythm_durations(ends, codes, start, start + frame_size))


def beat_data_generator(
    patient_generator: Iterable[Patient], frame_size: int = 2048, samples_per_patient: int = 1
) -> Iterator[tuple[np.ndarray, int]]:
    """Yield frames with their beat label; as :func:`rhythm_data_generator`, labels are ``ds_beat_names``."""
    for _, (signal, labels) in patient_generator:
        shape = _shape_of(signal)
        beats = labels["btype"]
        for _ in range(samples_per_patient):
            segment, start, frame = _draw_frame(signal, shape, frame_size)
            ends, codes = beats[segment]
            yield frame, get_beat_label(get_complete_beats(ends, codes, start, start + frame_size)[1])


def heart_rate_data_generator(
    patient_generator: Iterable[Patient],
    frame_size: int = 2048,
    label_frame_size: Optional[int] = None,
    samples_per_patient: int = 1,
) -> Iterator[tuple[np.ndarray, int]]:
    """Yield frames with the heart-rate label of a label frame around the same centre.

    Quirk Q22: an odd ``frame_size`` gives one sample too few. The first mark in the label frame only starts a beat, so
    the rate is computed from one interval fewer than the frame holds.

    Args:
        patient_generator: yields ``(id, (signal, labels))``.
        frame_size: samples.
        label_frame_size: samples; ``frame_size`` if None.
        samples_per_patient: frames per item of ``patient_generator``.

    Yields:
        Frame ``(frame_size, 1)`` in the dtype of the signal, and its label (``ds_hr_names``).
    """
    if label_frame_size is None:
        label_frame_size = frame_size
    max_frame_size = max(frame_size, label_frame_size)
    for _, (signal, labels) in patient_generator:
        num_segments, segment_size = _shape_of(signal)
        beats = labels["btype"]
        for _ in range(samples_per_patient):
            segment = np.random.randint(num_segments)
            center = _draw_start(segment_size, max_frame_size) + max_frame_size // 2
            frame = signal[segment, center - frame_size // 2 : center + frame_size // 2]
            label_start = center - label_frame_size // 2
            label_end = center + label_frame_size // 2
            positions, _ = beats[segment]
            qrs_indices = get_complete_beats(positions, start=label_start, end=label_end)
            yield frame[:, np.newaxis], get_heart_rate_label(qrs_indices, ds_sampling_rate)


def signal_generator(
    patient_generator: Iterable[Patient], frame_size: int = 2048, samples_per_patient: int = 1
) -> Iterator[np.ndarray]:
    """Yield frames ``(frame_size, 1)`` without labels; as :func:`rhythm_data_generator`, patient labels may be None."""
    for _, (signal, _) in patient_generator:
        shape = _shape_of(signal)
        for _ in range(samples_per_patient):
            yield _draw_frame(signal, shape, frame_size)[2]


def cpc_data_generator(
    buffered_patient_generator: Iterable[Sequence[Patient]],
    context_size: int,
    ns: int,
    frame_size: int = 2048,
    context_overlap: int = 0,
    positive_offset: int = 0,
    ns_same_segment_prob: Optional[float] = None,
    samples_per_patient: int = 1,
) -> Iterator[tuple[dict[str, np.ndarray], int]]:
    """Yield contexts with candidates for what follows, for contrastive predictive coding.

    Quirk Q23: with an overlap and offset 0, the last frame overlaps the positive sample by as much. Quirk Q24: negative
    samples may overlap the positive one.

    Args:
        buffered_patient_generator: yields lists of ``(id, (signal, labels))``; labels may be None.
        context_size: frames of the context.
        ns: number of negative samples.
        frame_size: samples.
        context_overlap: samples shared by neighbouring frames of the context.
        positive_offset: frames between the context and the positive sample.
        ns_same_segment_prob: probability of a negative sample from the segment of the context; None or 0 draws from
            all segments with equal probability, including that one (Quirk Q24).
        samples_per_patient: items per list of ``buffered_patient_generator``.

    Yields:
        ``{'context': (context_size, frame_size, 1), 'samples': (ns + 1, frame_size, 1)}`` in the dtype of the signal,
        and the place of the positive sample among the samples.
    """
    frame_step = frame_size - context_overlap
    context_length = context_size * frame_step
    for patients in buffered_patient_generator:
        for _ in range(samples_per_patient):
            patient, segment = _choose_random_segment(patients)
            _, (signal, _) = patients[patient]
            start = _draw_start(signal.shape[1], context_length + frame_size * (positive_offset + 1))
            end = start + context_length
            places = range(start, end, frame_step)
            context = np.array([_frame_of(signal, segment, place, frame_size) for place in places])
            positive = _frame_of(signal, segment, end + frame_size * positive_offset, frame_size)
            segment_p = (patient, segment, ns_same_segment_prob) if ns_same_segment_prob else None
            samples = []
            for other, other_segment in _choose_random_segment(patients, size=ns, segment_p=segment_p):
                _, (other_signal, _) = patients[other]
                place = _draw_start(other_signal.shape[1], frame_size)
                samples.append(_frame_of(other_signal, other_segment, place, frame_size))
            y = np.random.randint(ns + 1)
            samples.insert(y, positive)
            yield {"context": context, "samples": np.array(samples)}, y


def uniform_patient_generator(
    db_dir: PathName,
    patient_ids: Sequence[int],
    repeat: bool = True,
    shuffle: bool = True,
    include_labels: bool = True,
    unzipped: bool = False,
) -> Iterator[Patient]:
    """Yield every patient once per pass.

    Args:
        db_dir: folder of the patients' files.
        patient_ids: ids to load.
        repeat: repeat passes endlessly, else make one pass.
        shuffle: shuffle a copy of the ids before each pass, starting from the previous order (Quirk Q26).
        include_labels: load labels, else None stands in their place.
        unzipped: storage of the files.

    Yields:
        ``(id, (signal, labels))``.

    Raises:
        ValueError: no ids with ``repeat``. Quirk Q26: the original looped forever.
    """
    if repeat and len(patient_ids) == 0:
        raise ValueError("no patient ids to repeat: give at least one, or use fewer parallel generators")
    if shuffle:
        patient_ids = np.copy(patient_ids)
    while True:
        if shuffle:
            np.random.shuffle(patient_ids)
        for patient_id in patient_ids:
            yield patient_id, load_patient_data(db_dir, patient_id, include_labels, unzipped)
        if not repeat:
            break


def random_patient_generator(
    db_dir: PathName,
    patient_ids: Sequence[int],
    patient_weights: Optional[Sequence[float]] = None,
    include_labels: bool = True,
    unzipped: bool = False,
) -> Iterator[Patient]:
    """Yield patients drawn with replacement, 1,024 ids at a time, endlessly.

    Args:
        db_dir: folder of the patients' files.
        patient_ids: ids to draw from.
        patient_weights: probability of each id; equal if None.
        include_labels: load labels, else None stands in their place.
        unzipped: storage of the files.

    Yields:
        ``(id, (signal, labels))``.
    """
    while True:
        for patient_id in np.random.choice(patient_ids, size=1024, p=patient_weights):
            yield patient_id, load_patient_data(db_dir, patient_id, include_labels, unzipped)


# labels --------------------------------------------------------------------------------------------------------------


def get_rhythm_durations(
    indices: np.ndarray, labels: Optional[np.ndarray] = None, start: int = 0, end: Optional[int] = None
) -> Union[np.ndarray, Marks]:
    """Measure the rhythms of a frame, clipped to the frame.

    Quirk Q16: in a frame past the last mark, durations are ``[end - start]`` and labels are empty.

    Args:
        indices: sorted positions that end a rhythm, in samples.
        labels: their codes.
        start: first sample of the frame.
        end: end of the frame; the last position if None.

    Returns:
        Durations in samples, and the labels of these rhythms if ``labels`` is given.

    Raises:
        ValueError: the frame is empty.
    """
    end = _frame_end(indices, start, end)
    first = np.searchsorted(indices, start, side="right")
    stop = np.searchsorted(indices, end, side="left") + 1
    durations = np.diff(np.concatenate([[start], indices[first:stop][:-1], [end]]))
    return durations if labels is None else (durations, labels[first:stop])


def get_complete_beats(
    indices: np.ndarray, labels: Optional[np.ndarray] = None, start: int = 0, end: Optional[int] = None
) -> Union[np.ndarray, Marks]:
    """Select the beats that start and end in a frame; a beat starts at the mark before its own.

    Args:
        indices: sorted positions that end a beat, in samples.
        labels: their codes.
        start: first sample of the frame.
        end: end of the frame, included; the last position if None.

    Returns:
        Positions of these beats, and their labels if ``labels`` is given.

    Raises:
        ValueError: the frame is empty.
    """
    end = _frame_end(indices, start, end)
    first = np.searchsorted(indices, start, side="left") + 1
    stop = np.searchsorted(indices, end, side="right")
    return indices[first:stop] if labels is None else (indices[first:stop], labels[first:stop])


def get_rhythm_label(durations: np.ndarray, labels: np.ndarray) -> int:
    """Return the longest of undefined, afib and aflut, else of end, noise and normal, else undefined.

    Args:
        durations: durations of the rhythms of a frame, in samples.
        labels: their codes, an array; if empty the label is 0 (Quirk Q16).
    """
    totals = np.fromiter((durations[labels == code].sum() for code in ds_rhythm_names), dtype=float)
    return _first_largest(totals, _HI_PRIO_RHYTHMS, _LO_PRIO_RHYTHMS)


def get_beat_label(labels: np.ndarray) -> int:
    """Return the most frequent of pac, aberrated and pvc, else of undefined and normal, else undefined.

    Args:
        labels: codes of the complete beats of a frame; codes above 4 are ignored.

    Raises:
        TypeError: codes are not integers.
    """
    return _first_largest(np.bincount(labels, minlength=len(ds_beat_names)), _HI_PRIO_BEATS, _LO_PRIO_BEATS)


def get_heart_rate_label(qrs_indices: np.ndarray, fs: Optional[float] = None) -> int:
    """Classify the mean heart rate: below 60 brady, up to 100 normal, above tachy (beats per minute).

    Quirk Q15: a comment of the original swaps the two limits; this function does what the original's code does.

    Args:
        qrs_indices: sorted positions of beats, in samples, or in seconds without ``fs``.
        fs: sampling rate in Hz.

    Returns:
        Code of ``ds_hr_names``; noise for fewer than two beats.
    """
    if len(qrs_indices) < 2:
        return _HR_NOISE
    intervals = np.diff(qrs_indices)
    if fs is not None:
        intervals = intervals / fs  # before the mean, because rounding decides at exactly 60 or 100 bpm
    with np.errstate(divide="ignore"):  # equal positions give an infinite rate
        bpm = 60 / np.mean(intervals)
    if bpm < 60:
        return _HR_BRADYCARDIA
    if bpm <= 100:
        return _HR_NORMAL
    return _HR_TACHYCARDIA


def count_labels(labels: Sequence[Marks], num_classes: int) -> np.ndarray:
    """Count the marks of each code.

    Args:
        labels: ``(positions, codes)`` per segment.
        num_classes: number of codes.

    Returns:
        Counts ``(segments, num_classes)``.

    Raises:
        ValueError: a code is ``num_classes`` or more in some segments only.
    """
    return np.array([np.bincount(codes, minlength=num_classes) for _, codes in labels])


def calculate_durations(labels: Sequence[Marks], num_classes: int) -> np.ndarray:
    """Sum by code the distances from each mark to the previous one (for the first mark: to 0).

    Args:
        labels: ``(positions, codes)`` per segment.
        num_classes: number of codes.

    Returns:
        Durations in samples, int32 ``(segments, num_classes)``.
    """
    totals = np.zeros((len(labels), num_classes), dtype=np.int32)
    for segment, (positions, codes) in enumerate(labels):
        durations = np.diff(positions, prepend=0)
        for code in range(num_classes):
            totals[segment, code] = np.sum(durations[codes == code])
    return totals


# files ---------------------------------------------------------------------------------------------------------------


def load_patient_data(
    db_dir: PathName, patient_id: int, include_labels: bool = True, unzipped: bool = False
) -> PatientData:
    """Return ``(signal, labels)`` of a patient, or ``(signal, None)``; see the two functions below."""
    signal = load_signal(db_dir, patient_id, unzipped=unzipped)
    labels = load_labels(db_dir, patient_id, unzipped=unzipped) if include_labels else None
    return signal, labels


def load_signal(
    db_dir: PathName, patient_id: int, unzipped: bool = False, mmap_mode: Optional[str] = None
) -> np.ndarray:
    """Load the signal of a patient.

    Args:
        db_dir: folder with ``ppppp_batched.pkl.gz``, or ``ppppp_batched.npy`` if ``unzipped``.
        patient_id: patient ``p``.
        unzipped: storage of the file.
        mmap_mode: argument of ``np.load``; unzipped only.

    Returns:
        Array ``(segments, samples)`` at 250 Hz.

    Raises:
        FileNotFoundError: no such file.
    """
    if unzipped:
        return np.load(_patient_file(db_dir, patient_id, ".npy"), mmap_mode=mmap_mode)
    return load_pkl(_patient_file(db_dir, patient_id, ".pkl.gz"))


def load_labels(db_dir: PathName, patient_id: int, flatten: bool = True, unzipped: bool = False) -> Any:
    """Load the labels of a patient.

    Args:
        db_dir: folder with ``ppppp_batched_lbls.pkl.gz``, or ``ppppp_batched_lbls.npz`` if ``unzipped``.
        patient_id: patient ``p``.
        flatten: zipped only: apply :func:`flatten_raw_labels`, else return the pickled object.
        unzipped: storage of the file.

    Returns:
        ``btype`` and ``rtype``, per segment ``(positions, codes)``, and ``size``, the number of segments. Quirk Q20:
        unzipped this is an open, lazy ``NpzFile``, which reads a member at each access.

    Raises:
        FileNotFoundError: no such file.
    """
    if unzipped:
        return np.load(_patient_file(db_dir, patient_id, "_lbls.npz"), allow_pickle=True)
    raw_labels = load_pkl(_patient_file(db_dir, patient_id, "_lbls.pkl.gz"))
    return flatten_raw_labels(raw_labels) if flatten else raw_labels


def unzip_patient_data(db_dir: PathName, patient_id: int, out_dir: Optional[PathName] = None) -> None:
    """Write the unzipped files of a patient from the zipped ones.

    Args:
        db_dir: folder of the zipped files.
        patient_id: patient ``p``.
        out_dir: folder of the unzipped files, which must exist; the current one if None.
    """
    signal, labels = load_patient_data(db_dir, patient_id)
    out_dir = out_dir or ""
    np.save(_patient_file(out_dir, patient_id, ".npy"), signal)
    np.savez(
        _patient_file(out_dir, patient_id, "_lbls.npz"),
        btype=_as_label_array(labels["btype"]),
        rtype=_as_label_array(labels["rtype"]),
        size=labels["size"],
    )


def flatten_raw_labels(raw_labels: Sequence[Mapping[str, Sequence[np.ndarray]]]) -> dict[str, Any]:
    """Turn the distributed labels into sorted marks.

    Args:
        raw_labels: per segment a dict with ``btype`` and ``rtype``, each holding an array of positions per code.

    Returns:
        ``btype`` and ``rtype``, lists of ``(positions, codes)`` per segment, and ``size``, the number of segments.

    Raises:
        ValueError: a label type without codes.
    """
    labels: dict[str, Any] = {
        kind: [_flatten_marks(segment[kind]) for segment in raw_labels] for kind in ("btype", "rtype")
    }
    labels["size"] = len(raw_labels)
    return labels


def normalize(array: np.ndarray, inplace: bool = False) -> np.ndarray:
    """Subtract the mean and divide by the standard deviation of the data set.

    Args:
        array: signal in mV, any shape.
        inplace: change ``array`` itself; integers raise a casting error (TypeError).

    Returns:
        Array of the same shape and floating-point dtype; float64 for integers.
    """
    if inplace:
        array -= ds_mean
        array /= ds_std
        return array
    return (array - ds_mean) / ds_std


# private -------------------------------------------------------------------------------------------------------------


def _shape_of(signal: np.ndarray) -> tuple[int, int]:
    """Return the number of segments and their size; a ValueError if the signal has another number of dimensions."""
    num_segments, segment_size = signal.shape
    return num_segments, segment_size


def _draw_frame(signal: np.ndarray, shape: tuple[int, int], frame_size: int) -> tuple[int, int, np.ndarray]:
    """Draw a segment and a start; return both and the frame ``(frame_size, 1)``."""
    num_segments, segment_size = shape
    segment = np.random.randint(num_segments)
    start = _draw_start(segment_size, frame_size)
    return segment, start, _frame_of(signal, segment, start, frame_size)


def _draw_start(segment_size: int, num_samples: int) -> int:
    """Draw the start of ``num_samples`` in a segment. Quirk Q17: never the last possible start."""
    if segment_size <= num_samples:
        raise ValueError(f"segments must be longer than the {num_samples} samples to take, got {segment_size} samples")
    return np.random.randint(segment_size - num_samples)


def _frame_of(signal: np.ndarray, segment: int, start: int, frame_size: int) -> np.ndarray:
    return signal[segment, start : start + frame_size, np.newaxis]


def _choose_random_segment(
    patients: Sequence[Patient],
    size: Optional[int] = None,
    segment_p: Optional[tuple[int, int, float]] = None,
) -> Union[tuple[int, int], list[tuple[int, int]]]:
    """Draw segments of the given patients.

    Args:
        patients: ``(id, (signal, labels))`` each.
        size: number of segments to draw; one, not in a list, if None.
        segment_p: ``(patient index, segment index, probability)`` of one segment; the others share the rest equally.
            All are equally probable if None.

    Returns:
        ``(patient index, segment index)``, or a list of them.

    Raises:
        IndexError: ``segment_p`` points past the last segment. Quirk Q25: the original's own check never fires.
        ValueError: ``segment_p`` is not a probability (from ``np.random.choice``).
    """
    sizes = np.array([signal.shape[0] for _, (signal, _) in patients])
    offsets = np.cumsum(sizes) - sizes  # index of the first segment of each patient
    num_segments = sizes.sum()  # a float, and so a TypeError below, where there are no patients
    if segment_p is None:
        p = np.ones(num_segments) / num_segments
    else:
        patient, segment, prob = segment_p
        chosen = offsets[patient] + segment
        with np.errstate(divide="ignore", invalid="ignore"):  # with a single segment, its only entry is set below
            p = np.ones(num_segments) * (1 - prob) / (num_segments - 1)
        p[chosen] = prob
    numbers = np.random.choice(num_segments, size=size, p=p)

    def locate(number):
        owner = np.searchsorted(offsets, number, side="right") - 1
        return owner, number - offsets[owner]

    return locate(numbers) if size is None else [locate(number) for number in numbers]


def _frame_end(indices: np.ndarray, start: int, end: Optional[int]) -> int:
    end = indices[-1] if end is None else end
    if start >= end:
        raise ValueError(f"the frame must end after its start, got start {start} and end {end}")
    return end


def _first_largest(totals: np.ndarray, *groups: list[int]) -> int:
    """Return the code with the largest total in the first group that has a total above 0, else 0; ties to the first."""
    for group in groups:
        code = group[np.argmax(totals[group])]
        if totals[code] > 0:
            return code
    return 0


def _flatten_marks(positions_by_code: Sequence[np.ndarray]) -> Marks:
    positions = np.concatenate(positions_by_code)
    codes = np.repeat(np.arange(len(positions_by_code)), [len(part) for part in positions_by_code])
    # Quirk Q19: the original's sort is not stable, so codes at equal positions had no fixed order
    order = np.argsort(positions, kind="stable")
    return positions[order], codes[order]


def _as_label_array(labels: Sequence[Marks]) -> np.ndarray:
    """Return ``(segments, 2, marks)`` if all segments have equally many marks, else an object array ``(segments, 2)``.

    Quirk Q18: since 1.24, NumPy does not choose the second form by itself, so the original raised an error.
    """
    if len({len(positions) for positions, _ in labels}) <= 1:
        return np.array(labels)
    array = np.empty((len(labels), 2), dtype=object)
    for segment, marks in enumerate(labels):
        array[segment, 0], array[segment, 1] = marks
    return array


def _patient_file(db_dir: PathName, patient_id: int, ending: str) -> str:
    return os.path.join(db_dir, f"{patient_id:05d}_batched{ending}")
