"""Reads operations with their types from standard input; prints those for which TensorFlow has no GPU kernel."""

from __future__ import annotations

import json
import sys
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import kernels


def fits(kernel: Any, types: dict[str, str]) -> bool:
    """Whether a kernel runs on GPUs and takes these types."""
    return kernel.device_type in ("GPU", "DEFAULT") and all(
        tf.as_dtype(types[constraint.name]).as_datatype_enum in constraint.allowed_values.list.type
        for constraint in kernel.constraint
        if constraint.name in types
    )


used = json.load(sys.stdin)
lacking = [
    one
    for one in used
    if not any(fits(k, one["types"]) for k in kernels.get_registered_kernels_for_op(one["op"]).kernel)
]
print(json.dumps(lacking))
