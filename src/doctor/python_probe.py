"""Load TensorFlow and Keras and print the facts of this process as JSON."""

import importlib.metadata
import json
import os
import platform
import re

import keras
import numpy as np
import tensorflow as tf

squares = (tf.constant([3.0, 4.0]) ** 2).numpy().tolist()
if squares != [9.0, 16.0]:
    raise SystemExit(f"TensorFlow squared (3, 4) to {squares}")

model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(loss="mse", jit_compile="auto")
model.train_on_batch(np.zeros((1, 2)), np.zeros((1, 1)))

with open("/proc/self/maps", encoding="utf-8") as file:
    mapped = set(re.findall(r"^[^/\n]*(/.*/libtensorflow[^/\n]*)$", file.read(), flags=re.MULTILINE))

packages = ("tensorflow", "keras", "tf_keras", "numpy", "pandas", "scikit-learn", "scipy", "h5py", "samplerate", "wfdb")
print(
    json.dumps(
        {
            "version": platform.python_version(),
            "tensorflow": tf.__version__,
            "libraries": sorted(mapped),
            "gpus": len(tf.config.list_physical_devices("GPU")),
            "memoryGrowth": os.environ.get("TF_FORCE_GPU_ALLOW_GROWTH") == "true",
            "threads": os.environ.get("TF_NUM_INTRAOP_THREADS"),
            "jitCompile": bool(model.jit_compile),
            "packages": {name: importlib.metadata.version(name) for name in packages},
        }
    )
)
