"""Writers of small Icentia11k files, in both storages of the original.

The synthetic patient ``p`` has 3 segments of 5,000 samples with ``signal[s, t] = 100000 p + 10000 s + t``, so the first
sample of a frame tells its patient, segment and start.
"""

import gzip
import pickle
from pathlib import Path

import numpy as np

NUM_SEGMENTS = 3
SEGMENT_SIZE = 5000
NUM_BEAT_CODES = 5
NUM_RHYTHM_CODES = 6


def synthetic_signal(patient_id, num_segments=NUM_SEGMENTS, segment_size=SEGMENT_SIZE):
    """Return the signal of a synthetic patient: float64 ``(num_segments, segment_size)``."""
    segments = np.arange(num_segments)[:, np.newaxis]
    samples = np.arange(segment_size)[np.newaxis, :]
    return 100000.0 * patient_id + 10000.0 * segments + samples


def synthetic_labels(num_segments=NUM_SEGMENTS):
    """Return flat labels: ``btype`` and ``rtype`` lists of ``(positions, codes)`` per segment, and ``size``."""
    marks = np.arange(50)
    return {
        "btype": [(50 + 7 * s + 100 * marks, marks // 17 % NUM_BEAT_CODES) for s in range(num_segments)],
        "rtype": [(np.array([1000 + s, 2500, 4000]), np.array([3, 4, 1])) for s in range(num_segments)],
        "size": num_segments,
    }


def synthetic_patient(patient_id):
    """Return ``(id, (signal, labels))``, the item a patient generator yields."""
    return patient_id, (synthetic_signal(patient_id), synthetic_labels())


def raw_labels(labels):
    """Return flat labels in the distributed form: per segment a dict of position arrays indexed by code."""
    num_codes = {"btype": NUM_BEAT_CODES, "rtype": NUM_RHYTHM_CODES}
    return [
        {
            kind: [labels[kind][segment][0][labels[kind][segment][1] == code] for code in range(num_codes[kind])]
            for kind in num_codes
        }
        for segment in range(labels["size"])
    ]


def write_zipped_patient(db_dir, patient_id, signal=None, labels=None):
    """Write ``ppppp_batched.pkl.gz`` and ``ppppp_batched_lbls.pkl.gz``; synthetic data unless given."""
    signal = synthetic_signal(patient_id) if signal is None else signal
    labels = synthetic_labels(len(signal)) if labels is None else labels
    _write_pickle(Path(db_dir, f"{patient_id:05d}_batched.pkl.gz"), signal)
    _write_pickle(Path(db_dir, f"{patient_id:05d}_batched_lbls.pkl.gz"), raw_labels(labels))


def write_unzipped_patient(db_dir, patient_id, signal=None, labels=None):
    """Write ``ppppp_batched.npy`` and ``ppppp_batched_lbls.npz`` (object arrays); synthetic data unless given."""
    signal = synthetic_signal(patient_id) if signal is None else signal
    labels = synthetic_labels(len(signal)) if labels is None else labels
    np.save(Path(db_dir, f"{patient_id:05d}_batched.npy"), signal)
    members = {kind: np.empty((labels["size"], 2), dtype=object) for kind in ("btype", "rtype")}
    for kind, member in members.items():
        for segment, (positions, codes) in enumerate(labels[kind]):
            member[segment, 0] = positions
            member[segment, 1] = codes
    np.savez(Path(db_dir, f"{patient_id:05d}_batched_lbls.npz"), **members, size=labels["size"])


def write_patients(db_dir, patient_ids, unzipped=False):
    """Create ``db_dir``, fill it with synthetic patients, return it."""
    db_dir = Path(db_dir)
    db_dir.mkdir(parents=True, exist_ok=True)
    for patient_id in patient_ids:
        (write_unzipped_patient if unzipped else write_zipped_patient)(db_dir, patient_id)
    return db_dir


def _write_pickle(file, content):
    with gzip.open(file, "wb", compresslevel=1) as stream:
        pickle.dump(content, stream, protocol=2)
