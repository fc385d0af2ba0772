"""Worker of the bench on the side of PyTorch: the port's ResNet-18 with the port's weights.

`port_works.ts` holds the twins of the works. The argument is the folder of `rounds.py`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = sys.argv[1:]
from rounds import Round, serve  # noqa: E402

# Largest differences from the port, relative to the largest value. Adam's first step moves each weight by the sign of
# its gradient, so that rounding decides where a gradient is almost zero.
TOLERANCE = 1e-4
TOLERANCE_AFTER_STEP = 0.02


def _network() -> Any:
    """Return `ecg_feature_extractor('resnet18')` with a dense layer of four classes; it gives logits."""
    from torch import nn
    from torch.nn import functional

    class Conv(nn.Conv1d):
        """Convolution with TensorFlow's 'same' padding: of an odd amount, the larger half lies behind."""

        def __init__(self, channels: int, filters: int, kernel: int, stride: int = 1) -> None:
            super().__init__(channels, filters, kernel, stride, bias=False)

        def forward(self, x: Any) -> Any:
            samples, kernel, stride = x.shape[-1], self.kernel_size[0], self.stride[0]
            total = max((-(-samples // stride) - 1) * stride + kernel - samples, 0)
            if total % 2 == 1:
                x = functional.pad(x, (0, 1))
            return functional.conv1d(x, self.weight, None, self.stride, total // 2)

    class Block(nn.Module):
        def __init__(self, channels: int, filters: int, kernel: int, stride: int) -> None:
            super().__init__()
            self.conv1 = Conv(channels, filters, kernel, stride)
            self.bn1 = nn.BatchNorm1d(filters)
            self.conv2 = Conv(filters, filters, kernel)
            self.bn2 = nn.BatchNorm1d(filters)
            self.projection = None
            if channels != filters or stride > 1:
                self.projection = nn.Sequential(Conv(channels, filters, 1, stride), nn.BatchNorm1d(filters))

        def forward(self, x: Any) -> Any:
            shortcut = x if self.projection is None else self.projection(x)
            x = functional.relu(self.bn1(self.conv1(x)))
            return functional.relu(self.bn2(self.conv2(x)) + shortcut)

    class ResNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = Conv(1, 64, 7, 2)
            self.bn1 = nn.BatchNorm1d(64)
            # The last window of an even length has two samples, as with TensorFlow's padding.
            self.pool = nn.MaxPool1d(3, 2, ceil_mode=True)
            blocks, channels = [], 64
            for stage, (filters, kernel) in enumerate(((64, 7), (128, 5), (256, 5), (512, 3))):
                blocks += [Block(channels, filters, kernel, 1 if stage == 0 else 2), Block(filters, filters, kernel, 1)]
                channels = filters
            self.blocks = nn.Sequential(*blocks)
            self.classifier = nn.Linear(512, 4)

        def forward(self, x: Any) -> Any:
            x = self.pool(functional.relu(self.bn1(self.conv1(x))))
            return self.classifier(self.blocks(x).mean(-1))

    return ResNet()


def _load(network: Any, weights: list[Any]) -> None:
    """Give the network Keras's weights, which are in the order of its layers."""
    import torch

    with torch.no_grad():
        rest = iter(weights)
        for layer in network.modules():
            if isinstance(layer, torch.nn.Conv1d):
                layer.weight.copy_(next(rest).permute(2, 1, 0))
            elif isinstance(layer, torch.nn.BatchNorm1d):
                for part in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                    part.copy_(next(rest))
            elif isinstance(layer, torch.nn.Linear):
                layer.weight.copy_(next(rest).T)
                layer.bias.copy_(next(rest))
        if next(rest, None) is not None:
            raise ValueError("the port's network has more weights than the one of PyTorch")


def _check(what: str, found: Any, expected: Any, tolerance: float = TOLERANCE) -> None:
    difference = ((found - expected).abs().max() / expected.abs().max()).item()
    # NaN is refused too.
    if not difference <= tolerance:
        raise ValueError(
            f"the network of PyTorch is not the port's: {what} differ by {difference:.2g} of the largest, "
            f"expected at most {tolerance:g}"
        )


class _Prepared:
    """The network with its batch and optimizer, checked against the port in float32, then in the wanted form."""

    def __init__(self, reference: str, compiled: bool, autocast: bool) -> None:
        # Compiled code must not outlive the bench.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(reference).parent / "compiled")
        import numpy as np
        import torch

        torch.set_num_threads(int(os.environ.get("TF_NUM_INTRAOP_THREADS", len(os.sched_getaffinity(0)))))
        torch.manual_seed(1)
        with np.load(reference) as file:
            arrays = {name: torch.from_numpy(file[name]) for name in file.files}
        self.x = arrays.pop("x").transpose(1, 2).contiguous()
        self.y = arrays.pop("y").argmax(1)
        outputs, losses = arrays.pop("outputs"), arrays.pop("losses")
        self.network = _network()
        _load(self.network, list(arrays.values()))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3, eps=1e-7)
        self.forward: Callable[[Any], Any] = self.network
        self.autocast = False
        _check("outputs", torch.from_numpy(self.predict()), outputs)
        _check("losses of the first step", torch.tensor(self.step()), losses[0])
        _check("losses of the second step", torch.tensor(self.step()), losses[1], TOLERANCE_AFTER_STEP)
        self.autocast = autocast
        if compiled:
            self.forward = torch.compile(self.network)

    def predict(self) -> Any:
        """Return the probabilities of the batch as a NumPy array."""
        import torch

        self.network.eval()
        with torch.inference_mode():
            return torch.softmax(self.forward(self.x), 1).numpy()

    def step(self) -> float:
        """Return the loss of a training step on the batch."""
        import torch

        self.network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            loss = torch.nn.functional.cross_entropy(self.forward(self.x), self.y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def train(steps: int, **settings: Any) -> Round:
    """Seconds per training step: forward, backward, Adam."""
    prepared = _Prepared(**settings)
    prepared.step()

    def run() -> float:
        begun = time.perf_counter()
        for _ in range(steps):
            prepared.step()
        return (time.perf_counter() - begun) / steps

    return run


def predict(**settings: Any) -> Round:
    """Seconds of a prediction of the batch."""
    prepared = _Prepared(**settings)
    prepared.predict()

    def run() -> float:
        begun = time.perf_counter()
        prepared.predict()
        return time.perf_counter() - begun

    return run


WORKS: dict[str, Callable[..., Round]] = {"train": train, "predict": predict}


if __name__ == "__main__":
    serve("PyTorch", WORKS)
