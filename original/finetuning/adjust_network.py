"""Adapt one-lead weights to several leads: `python -m finetuning.adjust_network --weights-file FILE --channels N`.

Each lead gets an equal share of the first kernel, so repeating one lead gives the same features as before.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from finetuning.utils import KERAS_3, ecg_feature_extractor

__all__ = ["adjusted_file", "main", "parse_args"]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; ignore unknown options (quirk Q41)."""
    parser = argparse.ArgumentParser(
        prog="finetuning.adjust_network", description="Fit weights of a one-lead backbone to several leads."
    )
    parser.add_argument("--weights-file", type=Path, required=True, help="weights of a backbone for one lead")
    parser.add_argument("--channels", type=int, required=True, help="number of leads")
    parser.add_argument("--arch", default="resnet18", help="resnet18, resnet34 or resnet50")
    parser.add_argument("--stages", type=int, help="stages of the backbone")
    return parser.parse_known_args(argv)[0]


def adjusted_file(weights_file: Path) -> Path:
    """Return the output file, beside the input.

    Quirk Q37 (changed): Keras 3 refuses upstream's `<name>.adjusted`, so there it is `<stem>.adjusted.weights.h5`.
    """
    if not KERAS_3:
        return weights_file.with_name(f"{weights_file.name}.adjusted")
    stem = weights_file.name.removesuffix(".h5").removesuffix(".weights")
    return weights_file.with_name(f"{stem}.adjusted.weights.h5")


def main(argv: Sequence[str] | None = None) -> None:
    """Read one-lead weights, distribute the first kernel over the leads, and write the result beside the input.

    Raises:
        ValueError: if the file does not fit the one-lead backbone, or there are no leads.
    """
    args = parse_args(argv)
    if args.channels < 1:
        raise ValueError(f"--channels {args.channels}: expected the number of leads, at least 1")
    one_lead = _build_backbone(args, channels=1)
    one_lead.load_weights(str(args.weights_file))
    weights = one_lead.get_weights()
    weights[0] = np.repeat(weights[0], args.channels, axis=1) / args.channels
    adjusted = _build_backbone(args, channels=args.channels)
    adjusted.set_weights(weights)
    file = adjusted_file(args.weights_file)
    adjusted.save_weights(str(file))
    print(f"Saved {file}")


def _build_backbone(args: argparse.Namespace, channels: int) -> tf.keras.Model:
    backbone = ecg_feature_extractor(args.arch, args.stages)
    backbone(tf.keras.layers.Input((256, channels)))
    return backbone


if __name__ == "__main__":
    main()
