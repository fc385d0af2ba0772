"""One-dimensional residual networks (ResNet v1) over signals of shape (batch, samples, leads).

Quirk Q52: names of classes and attributes below are part of the weight-file format, and weights exist only
after the first call.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

__all__ = ["BottleneckBlock", "ResNet", "ResidualBlock", "batch_norm", "conv1d", "relu"]


def batch_norm() -> tf.keras.layers.Layer:
    """Return batch normalization over channels: momentum 0.9, epsilon 1e-5, scale and centre on."""
    return tf.keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)


def relu() -> tf.keras.layers.Layer:
    """Return a rectifier."""
    return tf.keras.layers.ReLU()


def conv1d(filters: int, kernel_size: int = 3, strides: int = 1) -> tf.keras.layers.Layer:
    """Return a convolution over time: 'same' padding, no bias, fan-in scaled truncated normal kernel.

    The kernel has shape (kernel_size, input channels, filters).
    """
    return tf.keras.layers.Conv1D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer=tf.keras.initializers.VarianceScaling(),
    )


class ResidualBlock(tf.keras.layers.Layer):
    """Two convolutions and a shortcut: (batch, n, channels) to (batch, ceil(n / strides), filters)."""

    def __init__(self, filters: int, kernel_size: int = 3, strides: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, input_shape):
        """Create the sublayers; the shortcut is projected if its shape differs from the main path's."""
        self.conv1 = conv1d(self.filters, self.kernel_size, self.strides)
        self.bn1 = batch_norm()
        self.relu1 = relu()
        self.conv2 = conv1d(self.filters, self.kernel_size, 1)
        self.bn2 = batch_norm()
        self.relu2 = relu()
        self.projection = input_shape[-1] != self.filters or self.strides > 1
        if self.projection:
            self.proj_conv = conv1d(self.filters, 1, self.strides)
            self.proj_bn = batch_norm()
        super().build(input_shape)

    def call(self, x, **kwargs):
        """Return the block's output, (batch, ceil(n / strides), filters)."""
        shortcut = self.proj_bn(self.proj_conv(x)) if self.projection else x
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return self.relu2(x + shortcut)


class BottleneckBlock(tf.keras.layers.Layer):
    """Narrowing, middle and widening convolutions and a shortcut.

    Maps (batch, n, channels) to (batch, ceil(n / strides), filters * expansion). The middle convolution has
    the stride; it is the only one wider than one sample.
    """

    def __init__(self, filters: int, kernel_size: int = 3, strides: int = 1, expansion: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.expansion = expansion

    def build(self, input_shape):
        """Create the sublayers; the shortcut is projected if its shape differs from the main path's."""
        width = self.filters * self.expansion
        self.conv1 = conv1d(self.filters, 1, 1)
        self.bn1 = batch_norm()
        self.relu1 = relu()
        self.conv2 = conv1d(self.filters, self.kernel_size, self.strides)
        self.bn2 = batch_norm()
        self.relu2 = relu()
        self.conv3 = conv1d(width, 1, 1)
        self.bn3 = batch_norm()
        self.relu3 = relu()
        self.projection = input_shape[-1] != width or self.strides > 1
        if self.projection:
            self.proj_conv = conv1d(width, 1, self.strides)
            self.proj_bn = batch_norm()
        super().build(input_shape)

    def call(self, x, **kwargs):
        """Return the block's output, (batch, ceil(n / strides), filters * expansion)."""
        shortcut = self.proj_bn(self.proj_conv(x)) if self.projection else x
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.relu2(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        return self.relu3(x + shortcut)


class ResNet(tf.keras.Model):
    """Stem, stages of residual blocks and, optionally, a classifier on the mean over time.

    Args:
        num_outputs: number of classes; 1 gives a sigmoid, more give a softmax.
        blocks: blocks per stage.
        filters: filters per stage; the stem always has 64.
        kernel_size: kernel size per stage; the stem's is always 7.
        block_fn: `ResidualBlock` or `BottleneckBlock`.
        include_top: whether to build the classifier.
        **kwargs: for `tf.keras.Model`.
    """

    def __init__(
        self,
        num_outputs: int | None = 1,
        blocks: Sequence[int] = (2, 2, 2, 2),
        filters: Sequence[int] = (64, 128, 256, 512),
        kernel_size: Sequence[int] = (3, 3, 3, 3),
        block_fn: type[tf.keras.layers.Layer] = ResidualBlock,
        include_top: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.conv1 = conv1d(64, 7, 2)
        self.bn1 = batch_norm()
        self.relu1 = relu()
        self.maxpool1 = tf.keras.layers.MaxPooling1D(pool_size=3, strides=2, padding="same")
        self.blocks = []
        for stage, num_blocks in enumerate(blocks):
            for index in range(num_blocks):
                strides = 2 if stage > 0 and index == 0 else 1
                self.blocks.append(block_fn(filters[stage], kernel_size[stage], strides))
        self.include_top = include_top
        if include_top:
            self.global_pool = tf.keras.layers.GlobalAveragePooling1D()
            activation = "sigmoid" if num_outputs == 1 else "softmax"
            self.classifier = tf.keras.layers.Dense(num_outputs, activation=activation)

    def call(self, x, include_top: bool | None = None, **kwargs):
        """Map signals (batch, samples, leads) to class probabilities or to features over time.

        There is no `training` argument: batch normalization reads the mode from Keras's call context.

        Args:
            x: float tensor (batch, samples, leads).
            include_top: None for the value given to the constructor.
            **kwargs: unused.

        Returns:
            (batch, num_outputs) with the top, else (batch, time, channels); time is `samples` halved, rounding up,
            by the stem, its pool and each stage but the first.

        Raises:
            AttributeError: if the top is requested but was not built.
        """
        if include_top is None:
            include_top = self.include_top
        x = self.maxpool1(self.relu1(self.bn1(self.conv1(x))))
        for block in self.blocks:
            x = block(x)
        if include_top:
            x = self.classifier(self.global_pool(x))
        return x
