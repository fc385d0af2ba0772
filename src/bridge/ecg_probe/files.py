"""Files that the original writes and reads. Bytes are passed as uint8 arrays."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ecg_probe.arrays import give, take
from ecg_probe.process import exchange

__all__ = [
    "astype",
    "bfloat16_hdf5",
    "checkpoint_values",
    "comment_hdf5",
    "compact_hdf5",
    "described",
    "history_csv",
    "latest_checkpoint",
    "npy",
    "pickle_in_pieces",
    "pickled_arrays",
    "predictions_csv",
    "read_npy",
    "read_predictions",
    "repickled",
    "unzip_patient",
    "zip_members",
]


def _give_bytes(folder: str, data: bytes) -> str:
    return give(f"{folder}/bytes.npy", np.frombuffer(data, np.uint8))


def predictions_csv(folder: str, arrays: dict[str, str], texts: dict[str, Any]) -> str:
    """`create_predictions_frame(…).to_csv(index=False)`."""
    from transplant.utils import create_predictions_frame

    frame = create_predictions_frame(**{name: take(file) for name, file in arrays.items()}, **texts)
    return _give_bytes(folder, frame.to_csv(index=False).encode())


def read_predictions(folder: str, file: str) -> dict[str, Any]:
    """`transplant.utils.read_predictions`."""
    from transplant.utils import read_predictions as read

    found = read(file)
    groups = ("y_true", "y_pred", "y_prob")
    return {
        "classes": [str(name) for name in found["classes"]],
        **{name: give(f"{folder}/{name}.npy", found[name]) if name in found else None for name in groups},
    }


def history_csv(folder: str, logs: list[dict[str, float]]) -> str:
    """What `CSVLogger` writes for these logs, epoch by epoch."""
    import tensorflow as tf

    path = exchange() / folder / "history.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.stop_training = False
    logger = tf.keras.callbacks.CSVLogger(str(path))
    logger.set_model(model)
    logger.on_train_begin()
    for epoch, values in enumerate(logs):
        logger.on_epoch_end(epoch, {key: float(value) for key, value in values.items()})
    logger.on_train_end()
    return _give_bytes(folder, path.read_bytes())


def comment_hdf5(file: str) -> None:
    """Adds a comment to every object of an HDF5 file, as viewers do."""
    import h5py

    with h5py.File(file, "r+") as opened:
        opened.visititems(lambda name, item: h5py.h5o.set_comment(item.id, f"seen: {name}".encode()))


def compact_hdf5(file: str) -> None:
    """Stores every array of up to 8 kB of an HDF5 file in its header (a compact layout)."""
    import h5py

    with h5py.File(file, "r+") as opened:
        small: list[str] = []
        opened.visititems(
            lambda name, item: small.append(name) if isinstance(item, h5py.Dataset) and item.nbytes <= 8192 else None
        )
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_layout(h5py.h5d.COMPACT)
        for name in small:
            values = opened[name][()]
            del opened[name]
            space = h5py.h5s.create_simple(np.shape(values))
            kind = h5py.h5t.py_create(np.asarray(values).dtype, logical=True)
            h5py.h5d.create(opened.id, name.encode(), kind, space, dcpl=layout).write(
                h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(values)
            )


def bfloat16_hdf5(file: str) -> None:
    """Stores the upper half of each float32 value as Keras stores bfloat16: two opaque bytes and a mark.

    Every second mark has the form of HDF5's latest version.
    """
    import h5py

    names: list[str] = []
    with h5py.File(file, "r+") as opened:
        opened.visititems(
            lambda name, item: names.append(name) if getattr(item, "dtype", None) == np.float32 and item.size else None
        )
        for name in names:
            values = np.ascontiguousarray(opened[name][()])
            del opened[name]
            opened.create_dataset(name, data=(values.view("<u4") >> 16).astype("<u2").view("V2"))
    for first, version in enumerate(("earliest", "latest")):
        with h5py.File(file, "r+", libver=version) as opened:
            for name in names[first::2]:
                opened[name].attrs["dtype"] = "bfloat16"


def latest_checkpoint(folder: str) -> str | None:
    """The prefix that the file `checkpoint` of a folder names."""
    import tensorflow as tf

    state = tf.train.get_checkpoint_state(folder)
    return state and state.model_checkpoint_path


def checkpoint_values(prefix: str) -> list[list[str]]:
    """What the object graph of a checkpoint says of its values: the kind of each and its key, by key."""
    import tensorflow as tf
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    graph = tf.train.load_checkpoint(prefix).get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    nodes = trackable_object_graph_pb2.TrackableObjectGraph.FromString(graph).nodes
    values = [value for node in nodes for value in node.attributes]
    return sorted(([value.name, value.checkpoint_key] for value in values), key=lambda pair: pair[1])


def zip_members(file: str) -> list[list[Any]]:
    """Name, date and kind of compression of each member."""
    with zipfile.ZipFile(file) as opened:
        return [[m.filename, str(m.date_time), m.compress_type] for m in opened.infolist()]


def astype(folder: str, name: str, dtype: str) -> str:
    """`array.astype(dtype)` of NumPy."""
    with np.errstate(all="ignore"):
        return give(f"{folder}/array.npy", take(name).astype(dtype))


def npy(folder: str, name: str) -> str:
    """What `numpy.save` writes."""
    stream = io.BytesIO()
    np.save(stream, take(name))
    return _give_bytes(folder, stream.getvalue())


def read_npy(folder: str, file: str) -> str:
    """What `numpy.load` reads without pickles."""
    return give(f"{folder}/array.npy", np.load(file, allow_pickle=False))


def repickled(folder: str, file: str) -> str:
    """`pickle.dumps` of the dict that `load_pkl` reads, its arrays in C order: pandas leaves some in Fortran order."""
    from transplant.utils import load_pkl

    data = {key: np.ascontiguousarray(value) for key, value in load_pkl(file).items()}
    return _give_bytes(folder, pickle.dumps(data, protocol=4))


def pickle_in_pieces(file: str, places: list[int]) -> None:
    """Write a dict of arrays as Python 2 did (protocol 2, gzip), a name (a line of text) lying across each place.

    Readers get a file in pieces. Nothing is remembered, so that every array brings its names with it.
    """
    values: dict[str, Any] = {}

    def pickled() -> bytes:
        stream = io.BytesIO()
        pickler = pickle.Pickler(stream, protocol=2)
        pickler.fast = True
        pickler.dump(values)
        return stream.getvalue()

    for place in places:
        values[f"before {place}"] = ""
        values[f"at {place}"] = np.arange(place % 97, dtype=np.float64) / place
        name = pickled().rindex(b"cnumpy.core.multiarray")
        values[f"before {place}"] = "x" * (place - 10 - name)
    Path(file).write_bytes(gzip.compress(pickled()))


def pickled_arrays(folder: str, file: str) -> dict[str, str]:
    """The arrays of the dict that `load_pkl` reads."""
    from transplant.utils import load_pkl

    arrays = [(name, value) for name, value in load_pkl(file).items() if isinstance(value, np.ndarray)]
    return {name: give(f"{folder}/{i}.npy", value) for i, (name, value) in enumerate(arrays)}


def described(file: str) -> str:
    """What `load_pkl` reads, as text."""
    from transplant.utils import load_pkl

    return _described(load_pkl(file))


def _described(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value.is_integer():
        return str(int(value)) if abs(value) < 1e21 else repr(value)
    if isinstance(value, (bytes, bytearray)):
        return f"bytes({', '.join(map(str, value))})"
    if isinstance(value, np.ndarray):
        return f"array({value.dtype}, {' '.join(map(str, value.shape))}: {', '.join(map(str, value.ravel()))})"
    if isinstance(value, dict):
        return f"dict({', '.join(map(_described, value.items()))})"
    if isinstance(value, (set, frozenset)):
        return f"set({', '.join(sorted(map(_described, value)))})"
    if isinstance(value, (tuple, list)):
        return f"{type(value).__name__}({', '.join(map(_described, value))})"
    return str(value)


def unzip_patient(db_dir: str, patient_id: int, out_dir: str) -> None:
    """`icentia11k.unzip_patient_data`."""
    from transplant.datasets import icentia11k

    icentia11k.unzip_patient_data(db_dir, patient_id, out_dir=out_dir)
