"""Reads WFDB records and annotations with wfdb-python and tells what it found.

Standard input: JSON ``{"records": [path, ...], "annotations": [[path, extension], ...]}``, and the
``seconds`` that one reading may take (wfdb-python never ends on some damaged files).
Standard output: JSON of the same keys; a result or ``{"error": exception name}`` for each. Arrays are told by their
dtype, shape and the SHA-256 of their bytes in C order.
"""

import hashlib
import json
import signal
import sys

import numpy as np
import wfdb


def array(values):
    values = np.ascontiguousarray(values)
    digest = hashlib.sha256(values.tobytes()).hexdigest()
    return {"dtype": values.dtype.str, "shape": list(values.shape), "sha256": digest}


def read_record(path):
    record = wfdb.rdrecord(path)
    return {
        "recordName": record.record_name,
        "fs": record.fs,
        "sigName": record.sig_name,
        "units": record.units,
        "comments": record.comments,
        "pSignal": None if record.p_signal is None else array(record.p_signal),
    }


def read_annotation(path, extension):
    annotation = wfdb.rdann(path, extension)
    return {
        "sample": annotation.sample.tolist(),
        "symbol": [symbol if isinstance(symbol, str) else None for symbol in annotation.symbol],
        "subtype": annotation.subtype.tolist(),
        "chan": annotation.chan.tolist(),
        "num": annotation.num.tolist(),
        "auxNote": list(annotation.aux_note),
        "fs": annotation.fs,
    }


class Hang(Exception):
    pass


def stop(*_):
    raise Hang


def attempt(function, *args):
    signal.setitimer(signal.ITIMER_REAL, job.get("seconds", 60))
    try:
        return function(*args)
    except MemoryError:
        return {"error": "MemoryError"}
    except Exception as error:
        return {"error": type(error).__name__}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


signal.signal(signal.SIGALRM, stop)
np.seterr(all="ignore")
job = json.load(sys.stdin)
json.dump(
    {
        "records": [attempt(read_record, path) for path in job.get("records", [])],
        "annotations": [attempt(read_annotation, *which) for which in job.get("annotations", [])],
    },
    sys.stdout,
)
