"""Layout of weight files (`.weights.h5`) and what Keras accepts: the format that the port reads and writes."""

import h5py
import numpy as np
import pytest
import tensorflow as tf

from finetuning.utils import ecg_feature_extractor
from pretraining.utils import get_pretrained_weights, task_solver


def backbone(stages=None, arch="resnet18", leads=1):
    model = ecg_feature_extractor(arch, stages)
    model(tf.keras.layers.Input((None, leads)))
    return model


def saved(model, folder, name="model"):
    file = folder / f"{name}.weights.h5"
    model.save_weights(str(file))
    return file


def contents(file):
    """Return the sets of paths of variables and of the objects that have a `vars` group."""
    variables, objects = {}, set()

    def visit(path, item):
        if isinstance(item, h5py.Dataset):
            variables[path] = item[()]
            assert item.chunks is None
            assert item.compression is None
        elif path.split("/")[-1] == "vars":
            objects.add(path[: -len("/vars")] if "/" in path else "")

    with h5py.File(file) as h5:
        h5.visititems(visit)
    return variables, objects


def bn(path):
    return [f"{path}/vars/{k}" for k in range(4)]


def block_variables(path, convs, projection):
    names = [*[f"{kind}{k}" for k in range(1, convs + 1) for kind in ("conv", "bn")]]
    names += ["proj_conv", "proj_bn"] if projection else []
    return [v for name in names for v in (bn(f"{path}/{name}") if "bn" in name else [f"{path}/{name}/vars/0"])]


def backbone_layout(arch="resnet18", stages=4, prefix=""):
    """Return paths of variables, in the order of `weights`, and of objects without any."""
    bottleneck = arch == "resnet50"
    counts = ((2, 2, 2, 2) if arch == "resnet18" else (3, 4, 6, 3))[:stages]
    root = f"{prefix}layers/res_net"
    variables = [f"{root}/conv1/vars/0", *bn(f"{root}/bn1")]
    objects = [f"{root}/layers/max_pooling1d", f"{root}/layers/re_lu", root, f"{prefix}layers/global_average_pooling1d"]
    objects.append(prefix.removesuffix("/"))
    number = 0
    for stage, count in enumerate(counts):
        for index in range(count):
            name = "bottleneck_block" if bottleneck else "residual_block"
            path = f"{root}/blocks/{name}" + (f"_{number}" if number else "")
            variables += block_variables(path, 3 if bottleneck else 2, index == 0 and (stage > 0 or bottleneck))
            objects += [path, f"{path}/relu1", f"{path}/relu2", *([f"{path}/relu3"] if bottleneck else [])]
            number += 1
    return variables, objects


def check(file, model, variables, objects):
    """The file has exactly these variables and objects, and the variables are the model's weights in this order."""
    found_variables, found_objects = contents(file)
    assert set(found_variables) == set(variables)
    owners = {path.rsplit("/vars/", 1)[0] for path in variables}
    assert found_objects == owners | set(objects)
    for path, weight in zip(variables, model.weights):
        assert found_variables[path].dtype == np.float32
        np.testing.assert_array_equal(found_variables[path], weight.numpy(), err_msg=path)


@pytest.mark.parametrize("arch", ["resnet18", pytest.param("resnet34", marks=pytest.mark.full), "resnet50"])
def test_backbone_file(tmp_path, arch):
    model = backbone(arch=arch)
    check(saved(model, tmp_path), model, *backbone_layout(arch))


def test_finetuning_file(tmp_path):
    model = ecg_feature_extractor(stages=1)
    model.add(tf.keras.layers.Dense(3, activation="softmax"))
    model(tf.keras.layers.Input((None, 12)))
    variables, objects = backbone_layout(stages=1)
    check(saved(model, tmp_path), model, [*variables, "layers/dense/vars/0", "layers/dense/vars/1"], objects)


def test_pretraining_file(tmp_path):
    model = task_solver("beat", stages=1)
    model(tf.keras.layers.Input((None, 1)))
    variables, objects = backbone_layout(stages=1, prefix="layers/sequential/")
    variables += ["layers/dense/vars/0", "layers/dense/vars/1"]
    check(saved(model, tmp_path), model, variables, [*objects, ""])


def test_cpc_file(tmp_path):
    """Also quirk Q32: the pool token is saved, at `attn_pooling/vars/0`."""
    model = task_solver("cpc", stages=1)
    frames = tf.keras.layers.Input((2, 64, 1))
    model({"context": frames, "samples": frames})
    variables, objects = backbone_layout(stages=1, prefix="layers/sequential/")
    objects += ["", "attn_pooling/transformer", "attn_pooling/transformer/dropout"]
    variables.append("attn_pooling/vars/0")
    for number in range(3):
        path = "attn_pooling/transformer/enc_layers/encoder_layer" + (f"_{number}" if number else "")
        names = [*[f"mha/W_{w}" for w in "vkqo"], "layernorm1", "ff1", "ff2", "layernorm2"]
        variables += [f"{path}/{name}/vars/{k}" for name in names for k in (0, 1)]
        objects += [path, *[f"{path}/{name}" for name in ("mha", "relu1", "dropout1", "dropout2")]]
    check(saved(model, tmp_path), model, variables, objects)


def test_optimizer_of_a_trained_model(tmp_path):
    """Iterations, learning rate, then both moments of each trainable weight; before training, only the first two."""
    model = task_solver("hr", stages=1)
    model.compile("adam", "mse")
    model(tf.keras.layers.Input((32, 1)))
    untrained, objects = contents(saved(model, tmp_path))
    assert {path for path in untrained if path.startswith("optimizer")} == {"optimizer/vars/0", "optimizer/vars/1"}
    model.fit(np.ones((2, 32, 1), "float32"), np.ones((2, 4), "float32"), verbose=0)
    variables, _ = contents(saved(model, tmp_path))
    assert variables["optimizer/vars/0"].dtype == np.int64
    assert variables["optimizer/vars/0"] == 1
    assert variables["optimizer/vars/1"] == np.float32(1e-3)
    for k, weight in enumerate(model.trainable_weights):
        assert variables[f"optimizer/vars/{2 + 2 * k}"].shape == variables[f"optimizer/vars/{3 + 2 * k}"].shape
        assert variables[f"optimizer/vars/{2 + 2 * k}"].shape == weight.shape
        assert np.all(variables[f"optimizer/vars/{3 + 2 * k}"] >= 0)
    assert f"optimizer/vars/{2 + 2 * len(model.trainable_weights)}" not in variables


def test_name_must_end_in_weights_h5(tmp_path):
    """Quirk Q30."""
    with pytest.raises(ValueError, match=r"\.weights\.h5"):
        backbone(1).save_weights(str(tmp_path / "model.weights"))


def test_round_trip(tmp_path):
    source, target = backbone(1), backbone(1)
    target.load_weights(str(saved(source, tmp_path)))
    for a, b in zip(source.get_weights(), target.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_more_in_the_file_is_ignored(tmp_path):
    two_stages, one_stage = backbone(2), backbone(1)
    one_stage.load_weights(str(saved(two_stages, tmp_path)))
    for a, b in zip(one_stage.get_weights(), two_stages.get_weights()[:25]):
        np.testing.assert_array_equal(a, b)


def test_less_in_the_file_is_an_error_after_assignment(tmp_path):
    one_stage, two_stages = backbone(1), backbone(2)
    with pytest.raises(ValueError):
        two_stages.load_weights(str(saved(one_stage, tmp_path)))
    for a, b in zip(one_stage.get_weights(), two_stages.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("missing", ["vars", "layers/res_net/bn1/vars", "layers/res_net/blocks/residual_block_1"])
def test_missing_group_is_an_error(tmp_path, missing):
    """The root needs a group, although it has no variables of its own."""
    file = saved(backbone(1), tmp_path)
    with h5py.File(file, "a") as h5:
        del h5[missing]
    with pytest.raises(ValueError, match="could not be loaded"):
        backbone(1).load_weights(str(file))


def test_other_number_of_leads_is_an_error(tmp_path):
    """Quirk Q51."""
    file = saved(backbone(1), tmp_path)
    with pytest.raises(ValueError, match="could not be loaded"):
        backbone(1, leads=12).load_weights(str(file))


def test_unbuilt_model_loads_nothing(tmp_path):
    model = ecg_feature_extractor(stages=1)
    model.load_weights(str(saved(backbone(1), tmp_path)))
    assert model.weights == []


@pytest.mark.parametrize("task", ["beat", "cpc"])
def test_get_pretrained_weights(tmp_path, task):
    """The backbone can be extracted from a pretraining checkpoint; the checkpoint itself does not fit the backbone."""
    model, feature_extractor = task_solver(task, stages=1, return_feature_extractor=True)
    frames = tf.keras.layers.Input((2, 64, 1))
    model({"context": frames, "samples": frames} if task == "cpc" else tf.keras.layers.Input((64, 1)))
    file = saved(model, tmp_path)
    with pytest.raises(ValueError):
        backbone(1).load_weights(str(file))
    pretrained = get_pretrained_weights(checkpoint_file=file, task=task, arch="resnet18", stages=1)
    target = backbone(1)
    target.load_weights(str(saved(pretrained, tmp_path, "backbone")))
    for a, b in zip(target.get_weights(), feature_extractor.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_get_pretrained_weights_needs_the_same_stages(tmp_path):
    model = task_solver("beat", stages=1)
    model(tf.keras.layers.Input((64, 1)))
    with pytest.raises(ValueError):
        get_pretrained_weights(saved(model, tmp_path), task="beat", stages=2)
