"""The data side of the Python original: standard input is a JSON list of calls, standard output what each gave.

A call is ``{"call": "get_challenge17_data", "args": [...], "kwargs": {...}}`` with an optional ``seed`` and ``split`` (options of
``train_test_split``; ``"stratify": true`` means by ``y``), or ``{"load": file}``. Data sets are told array by array.
"""

import hashlib
import json
import sys

import numpy as np
from finetuning import datasets
from finetuning.utils import train_test_split
from transplant.datasets import physionet
from transplant.utils import load_pkl


def tell_array(values):
    if values.dtype == object:
        return {
            "dtype": "object",
            "shape": list(values.shape),
            "values": values.tolist(),
        }
    digest = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
    return {"dtype": values.dtype.name, "shape": list(values.shape), "sha256": digest}


def tell(data):
    return {key: tell_array(value) for key, value in data.items()}


def tell_read(result):
    records, labels = result
    return {
        "records": [[str(r.record_name), r.fs, tell_array(r.p_signal)] for r in records],
        "index": labels.index.tolist(),
        "columns": labels.columns.tolist(),
        "values": tell_array(labels.values),
    }


def answer(job):
    try:
        if "load" in job:
            return tell(load_pkl(job["load"]))
        if "seed" in job:
            np.random.seed(job["seed"])
        function = getattr(datasets, job["call"], None) or getattr(physionet, job["call"])
        result = function(*job["args"], **job.get("kwargs", {}))
        if job["call"].startswith("read_"):
            return tell_read(result)
        if "split" not in job:
            return tell(result)
        options = dict(job["split"])
        if options.pop("stratify", False):
            options["stratify"] = result["y"]
        return [tell(part) for part in train_test_split(result, **options)]
    except Exception as error:
        return {"error": type(error).__name__}


json.dump([answer(job) for job in json.load(sys.stdin)], sys.stdout)
