"""The layers of a network of the original: weights in Keras 3's order, and outputs."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ecg_probe.callers import line_of_original, original_root, within

__all__ = ["output_shape"]


def is_keras_3() -> bool:
    """Whether `tf.keras` is Keras 3, not tf_keras."""
    import tensorflow as tf

    return getattr(tf.keras, "__version__", "2").startswith("3.")


def ordered_weights(layer: Any) -> list[Any]:
    """A model's weights layer by layer, which is the order of Keras 3; tf_keras puts untrained ones last."""
    if is_keras_3():
        return layer.weights
    own = layer._trainable_weights + layer._non_trainable_weights
    inner = layer._flatten_layers(recursive=False, include_self=False)
    return own + [weight for child in inner for weight in ordered_weights(child)]


def assign_weights(model: Any, values: list[np.ndarray]) -> None:
    """Sets a model's weights, given in the order of `ordered_weights`."""
    for weight, value in zip(ordered_weights(model), values, strict=True):
        weight.assign(value)


def output_shape(module: str, layer: str, arguments: dict[str, Any], shape: list[int]) -> list[int]:
    """The shape of what a layer of `transplant.modules` gives for an input of zeros.

    Its argument `transformer`, if it has one, holds the arguments of an Encoder.
    """
    from transplant.modules import transformer

    given = dict(arguments)
    if "transformer" in given:
        given["transformer"] = transformer.Encoder(**given["transformer"])
    built = getattr(importlib.import_module(f"transplant.modules.{module}"), layer)(**given)
    return [int(extent) for extent in built(np.zeros(shape, np.float32)).shape]


@contextmanager
def watched(model: Any, places: dict[str, str] | None = None) -> Iterator[dict[str, np.ndarray]]:
    """Notes the output of every layer under its path while the model is called eagerly.

    `places` gets the line of the original at which each layer is applied, and the layer's class.
    """
    found: dict[str, np.ndarray] = {}
    restore = []

    def watch(layer: Any, path: str) -> None:
        call = layer.call

        def noting(*args: Any, **kwargs: Any) -> Any:
            output = call(*args, **kwargs)
            key, use = path, 1
            while key in found:
                use += 1
                key = f"{path}#{use}"
            if places is not None:
                places[key] = f"{_caller(layer)} ({type(layer).__name__})"
            found[key] = (output[0] if isinstance(output, tuple) else output).numpy()
            return output

        layer.call = noting
        restore.append((layer, call))

    for path, layer in _layers(model):
        watch(layer, path)
    try:
        yield found
    finally:
        for layer, call in restore:
            layer.call = call


def _caller(layer: Any) -> str:
    """The line of the original that applies a layer: of the class where Keras itself applies it."""
    place = line_of_original()
    if place:
        return place
    try:
        file, (_, line) = inspect.getfile(type(layer)), inspect.getsourcelines(type(layer))
    except (OSError, TypeError):
        return "Keras"
    return within(original_root(), file, line) or "Keras"


def _layers(model: Any) -> Iterator[tuple[str, Any]]:
    """Paths in the weight file, and layers. The head of finetuning is left out: its output is the network's."""
    if hasattr(model, "attn_pooling"):
        yield from _backbone("layers/sequential/", *model.signal_embedding.layers[:2])
        yield from _pooling("attn_pooling", model.attn_pooling)
        return
    first = model.layers[0]
    if hasattr(first, "blocks"):
        yield from _backbone("", *model.layers[:2])
        return
    yield from _backbone("layers/sequential/", *first.layers[:2])
    yield "layers/dense", model.layers[1]


def _backbone(prefix: str, net: Any, pool: Any) -> Iterator[tuple[str, Any]]:
    root = f"{prefix}layers/res_net"
    yield root, net
    yield f"{root}/conv1", net.conv1
    yield f"{root}/bn1", net.bn1
    yield f"{root}/layers/re_lu", net.relu1
    yield f"{root}/layers/max_pooling1d", net.maxpool1
    for position, block in enumerate(net.blocks):
        kind = "bottleneck_block" if hasattr(block, "conv3") else "residual_block"
        place = f"{root}/blocks/{kind}" + (f"_{position}" if position else "")
        yield place, block
        yield from _attributes(block, place, ("conv", "bn", "relu"), (1, 2, 3))
        if hasattr(block, "proj_conv"):
            yield f"{place}/proj_conv", block.proj_conv
            yield f"{place}/proj_bn", block.proj_bn
    yield f"{prefix}layers/global_average_pooling1d", pool


def _pooling(path: str, pooling: Any) -> Iterator[tuple[str, Any]]:
    yield path, pooling
    yield f"{path}/transformer", pooling.transformer
    for position, layer in enumerate(pooling.transformer.enc_layers):
        place = f"{path}/transformer/enc_layers/encoder_layer" + (f"_{position}" if position else "")
        yield place, layer
        yield f"{place}/mha", layer.mha
        for name in ("W_v", "W_k", "W_q", "W_o"):
            yield f"{place}/mha/{name}", getattr(layer.mha, name)
        yield from _attributes(layer, place, ("layernorm", "ff", "relu"), (1, 2))


def _attributes(layer: Any, path: str, kinds: tuple[str, ...], numbers: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    for number in numbers:
        for kind in kinds:
            if hasattr(layer, f"{kind}{number}"):
                yield f"{path}/{kind}{number}", getattr(layer, f"{kind}{number}")
