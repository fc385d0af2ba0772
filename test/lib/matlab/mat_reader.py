"""Writes and reads MATLAB 5 files with SciPy.

``mat_reader.py write FOLDER``: writes files of every kind that the reader takes, and some that it refuses.
``mat_reader.py read``: standard input is a JSON list of paths; standard output a JSON list of what SciPy reads from each:
variables as ``{"dtype", "shape", "sha256"}``, text or nested dicts; ``{"error": name}`` where SciPy raises
(``crash`` where it ends).
"""

import hashlib
import json
import os
import resource
import signal
import sys
from pathlib import Path

import numpy as np
import scipy.io
from scipy.sparse import csc_matrix


def write(folder):
    matrix = np.arange(24, dtype=np.float64).reshape(4, 6) / 7
    kinds = (
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "float32",
        "float64",
    )
    numbers = {kind: (matrix * 20).astype(kind) for kind in kinds}
    cube = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    ecg = {"sex": "Female", "age": 53, "data": np.random.RandomState(1).randn(12, 40)}
    files = {
        "numbers": numbers,
        "cube": {
            "cube": cube,
            "empty": np.zeros((0, 3)),
            "odd": np.array([[1.5, np.nan, np.inf]]),
        },
        "ecg": {"ECG": ecg},
        "nested": {"a": {"b": {"c": np.eye(2), "text": "two words"}}, "none": ""},
        "complex": {"x": np.array([[1 + 2j]])},
        "cell": {"x": np.array([1, "a"], dtype=object)},
        "sparse": {"x": csc_matrix(np.eye(3))},
        "lines": {"x": np.array(["ab", "cd"])},
        "structs": {"x": np.zeros((1, 2), dtype=[("a", object)])},
    }
    for name, content in files.items():
        for packed in (False, True):
            scipy.io.savemat(
                folder / f"{name}{'_packed' if packed else ''}.mat",
                content,
                do_compression=packed,
            )


def tell(value):
    if isinstance(value, np.void) or (isinstance(value, np.ndarray) and value.dtype.names):
        item = value.reshape(-1)[0] if isinstance(value, np.ndarray) else value
        return {name: tell(item[name]) for name in value.dtype.names}
    if value.dtype.kind == "U":
        return "".join(value.ravel().tolist())
    digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    return {"dtype": value.dtype.name, "shape": list(value.shape), "sha256": digest}


def read(path):
    try:
        content = scipy.io.loadmat(path, chars_as_strings=False, mat_dtype=True)
        return {name: tell(value) for name, value in content.items() if not name.startswith("__")}
    except Exception as error:
        return {"error": type(error).__name__}


def read_apart(path):
    """Read in a process of its own: SciPy crashes or asks for all memory on some damaged files."""
    source, target = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        signal.alarm(30)
        with os.fdopen(target, "w") as out:
            json.dump(read(path), out)
        os._exit(0)
    os.close(target)
    with os.fdopen(source) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if status == 0 else {"error": "crash"}


if sys.argv[1] == "write":
    write(Path(sys.argv[2]))
else:
    json.dump([read_apart(path) for path in json.load(sys.stdin)], sys.stdout)
