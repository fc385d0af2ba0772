"""finetuning.adjust_network."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from finetuning import adjust_network
from finetuning.utils import ecg_feature_extractor


def backbone(leads, arch="resnet18"):
    model = ecg_feature_extractor(arch, 1)
    model(tf.keras.layers.Input((None, leads)))
    return model


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_one_lead_repeated_gives_the_same_features(tmp_path, monkeypatch, arch):
    """Runs through the command line."""
    one_lead = backbone(1, arch)
    file = tmp_path / "pretrained.weights.h5"
    one_lead.save_weights(str(file))
    command = f"finetuning.adjust_network --weights-file {file} --channels 12 --arch {arch} --stages 1 --unknown 1"
    monkeypatch.setattr(sys, "argv", command.split())
    monkeypatch.delitem(sys.modules, "finetuning.adjust_network")
    runpy.run_module("finetuning.adjust_network", run_name="__main__", alter_sys=True)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["pretrained.adjusted.weights.h5", "pretrained.weights.h5"]

    adjusted = backbone(12, arch)
    adjusted.load_weights(str(tmp_path / "pretrained.adjusted.weights.h5"))
    kernel = one_lead.get_weights()[0]
    assert adjusted.get_weights()[0].shape == (7, 12, 64)
    for lead in range(12):
        np.testing.assert_array_equal(adjusted.get_weights()[0][:, lead], kernel[:, 0] / np.float32(12))
    for a, b in zip(adjusted.get_weights()[1:], one_lead.get_weights()[1:]):
        np.testing.assert_array_equal(a, b)
    x = np.random.RandomState(1).standard_normal((2, 256, 1)).astype("float32")
    expected = one_lead(x).numpy()
    np.testing.assert_allclose(adjusted(np.repeat(x, 12, axis=2)), expected, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "adjusted"),
    [
        ("a.weights.h5", "a.adjusted.weights.h5"),
        ("a.b.weights.h5", "a.b.adjusted.weights.h5"),
        ("a.h5", "a.adjusted.weights.h5"),
        ("a", "a.adjusted.weights.h5"),
    ],
)
def test_adjusted_file(name, adjusted):
    """Quirk Q37."""
    assert adjust_network.adjusted_file(Path("jobs", name)) == Path("jobs", adjusted)


def test_errors(tmp_path):
    file = tmp_path / "two_leads.weights.h5"
    backbone(2).save_weights(str(file))
    with pytest.raises(ValueError):
        adjust_network.main(["--weights-file", str(file), "--channels", "12", "--stages", "1"])
    with pytest.raises(ValueError, match="--channels 0"):
        adjust_network.main(["--weights-file", str(file), "--channels", "0"])
    with pytest.raises(ValueError, match="vgg"):
        adjust_network.main(["--weights-file", str(file), "--channels", "2", "--arch", "vgg"])
