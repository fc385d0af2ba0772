"""Shims around the network parts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ecg_probe.compat import acted


def install_legacy() -> None:
    """Q59, and Q32 on tf_keras, which tracks bare variables, but in float32 whatever the layer computes in."""
    from transplant.modules import attn_pool

    pooling = attn_pool.AttentionPooling
    pooling.__init__ = _tracking_variables(pooling.__init__, lambda layer, value: value.dtype != layer.compute_dtype)
    install_casts()


def install() -> None:
    """Q31, Q32, Q59 for Keras 3."""
    from transplant.modules import attn_pool, transformer

    pooling = attn_pool.AttentionPooling
    for layer in (transformer.MultiHeadAttention, transformer.EncoderLayer, transformer.Encoder, pooling):
        layer.__call__ = _options_by_keyword(layer.__call__)
    pooling.__init__ = _tracking_variables(pooling.__init__)
    install_casts()


def install_casts() -> None:
    """Q59: upstream's transformer casts to float32, which fails in layers that compute in another type."""
    from transplant.modules import transformer

    if "tf.float32" in inspect.getsource(transformer.MultiHeadAttention):
        transformer.tf = _CastsToPolicy(transformer.tf)


class _CastsToPolicy:
    """TensorFlow as one module sees it: what it casts to float32 goes on to the type that Keras computes in."""

    def __init__(self, tensorflow: Any) -> None:
        self._tensorflow = tensorflow

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tensorflow, name)

    def cast(self, x: Any, dtype: Any, name: str | None = None) -> Any:
        tf = self._tensorflow
        value = tf.cast(x, dtype, name)
        computed = tf.as_dtype(tf.keras.mixed_precision.global_policy().compute_dtype)
        if value.dtype != tf.float32 or computed == tf.float32:
            return value
        acted("Q59")
        return tf.cast(value, computed)


def _options_by_keyword(call: Any) -> Any:
    """Q31: Keras 3 accepts only tensors as positional arguments, but upstream passes a mask that is None."""

    @functools.wraps(call)
    def by_keyword(self: Any, *args: Any, **kwargs: Any) -> Any:
        tensors = next((i for i, value in enumerate(args) if value is None or isinstance(value, bool)), len(args))
        if tensors < len(args):
            acted("Q31")
            names = list(inspect.signature(self.call).parameters)
            kwargs = {**dict(zip(names[tensors:], args[tensors:])), **kwargs}
        return call(self, *args[:tensors], **kwargs)

    return by_keyword


def _tracking_variables(init: Any, wanted: Callable[[Any, Any], bool] = lambda _layer, _value: True) -> Any:
    """Q32: Keras 3 does not track a bare `tf.Variable`; a weight with its initial value replaces it."""
    import tensorflow as tf

    @functools.wraps(init)
    def tracked(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        for name, value in list(vars(self).items()):
            if isinstance(value, tf.Variable) and wanted(self, value):
                acted("Q32")
                initial = tf.cast(value, self.variable_dtype)
                weight = self.add_weight(name=name, shape=tuple(value.shape), initializer="zeros", trainable=True)
                weight.assign(initial)
                setattr(self, name, weight)

    return tracked
