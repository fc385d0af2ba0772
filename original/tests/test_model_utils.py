"""transplant.modules.utils, finetuning.utils and pretraining.utils: backbones, heads, parameter counts, splits."""

import numpy as np
import pytest
import tensorflow as tf
from icentia_files import write_patients

from finetuning.utils import ecg_feature_extractor, split_size, train_test_split
from pretraining.utils import get_pretrained_weights, task_solver, unzip_icentia11k
from transplant.datasets import icentia11k
from transplant.modules.utils import build_input_tensor_from_shape
from transplant.tasks.cpc import CPCSolver


def test_build_input_tensor_from_shape():
    shape = {"a": tf.TensorShape((None, 8, 1)), "b": [tf.TensorShape((None, 3)), tf.TensorShape((None,))]}
    dtype = {"a": "float32", "b": ("int32", "float16")}
    inputs = build_input_tensor_from_shape(shape, dtype=dtype, ignore_batch_dim=True)
    assert set(inputs) == {"a", "b"}
    assert isinstance(inputs["b"], list)
    found = [(tuple(i.shape), i.dtype) for i in (inputs["a"], *inputs["b"])]
    assert found == [((None, 8, 1), "float32"), ((None, 3), "int32"), ((None,), "float16")]
    assert tuple(build_input_tensor_from_shape(tf.TensorShape((8, 1))).shape) == (None, 8, 1)
    (first,) = build_input_tensor_from_shape((tf.TensorShape((5, 1)),))
    assert (tuple(first.shape), first.dtype) == ((None, 5, 1), "float32")


def test_build_input_tensor_from_shape_reads_tuples_as_lists():
    """Quirk Q53: numbers are not shapes."""
    with pytest.raises((TypeError, ValueError)):
        build_input_tensor_from_shape((8, 1))


BACKBONES = [
    ("resnet18", 1, 116_416, 25, 64),
    ("resnet18", 2, 413_888, 50, 128),
    ("resnet18", 3, 1_598_656, 75, 256),
    ("resnet18", None, 4_492_480, 100, 512),
    ("resnet34", 1, 174_272, 35, 64),
    ("resnet34", 2, 801_472, 80, 128),
    ("resnet34", 3, 4_615_872, 145, 256),
    ("resnet34", 4, 9_086_656, 180, 512),
    ("resnet50", 1, 194_752, 55, 256),
    ("resnet50", 2, 1_159_360, 120, 512),
    ("resnet50", -1, 6_705_344, 215, 1024),
    ("resnet50", 5, 16_974_016, 265, 2048),
]


@pytest.mark.parametrize(("arch", "stages", "parameters", "tensors", "width"), BACKBONES)
def test_ecg_feature_extractor(arch, stages, parameters, tensors, width):
    backbone = ecg_feature_extractor(arch, stages)
    assert backbone(tf.keras.layers.Input((None, 1))).shape == (None, width)
    assert backbone.count_params() == parameters
    assert len(backbone.weights) == tensors
    assert len(backbone.trainable_weights) == tensors * 3 // 5
    trainable = {"resnet18": 4_482_880, "resnet34": 9_069_632, "resnet50": 16_920_896}
    if width == {"resnet50": 2048}.get(arch, 512):
        assert sum(np.prod(w.shape) for w in backbone.trainable_weights) == trainable[arch]


def test_ecg_feature_extractor_default_and_kernels():
    resnet = ecg_feature_extractor().layers[0]
    assert [block.kernel_size for block in resnet.blocks] == [7, 7, 5, 5, 5, 5, 3, 3]
    assert resnet.include_top is False


def test_ecg_feature_extractor_unknown():
    with pytest.raises(ValueError, match="resnet101"):
        ecg_feature_extractor("resnet101")


@pytest.mark.parametrize(
    ("leads", "classes", "parameters"), [(1, 6, 4_495_558), (1, 5, 4_495_045), (1, 4, 4_494_532), (12, 12, 4_503_564)]
)
def test_parameters_with_head(leads, classes, parameters):
    """Each additional lead adds 448 parameters."""
    model = ecg_feature_extractor()
    model.add(tf.keras.layers.Dense(classes))
    model(tf.keras.layers.Input((256, leads)))
    assert model.count_params() == parameters


@pytest.mark.parametrize(("task", "classes"), [("rhythm", 6), ("beat", 5), ("hr", 4)])
def test_task_solver_classifiers(task, classes):
    model, backbone = task_solver(task, stages=1, return_feature_extractor=True)
    x = np.random.RandomState(1).standard_normal((2, 64, 1)).astype("float32")
    logits = model(x)
    assert logits.shape == (2, classes)
    kernel, bias = model.layers[-1].get_weights()
    np.testing.assert_allclose(logits, backbone(x) @ kernel + bias, rtol=1e-5, atol=1e-6)


def test_task_solver_cpc():
    model, backbone = task_solver("cpc", return_feature_extractor=True)
    assert isinstance(model, CPCSolver)
    assert model.signal_embedding is backbone
    frames = tf.keras.layers.Input((3, 64, 1))
    assert model({"context": frames, "samples": frames}).shape == (None, 3)
    assert model.count_params() == 10_801_344
    encoder = model.attn_pooling.transformer
    assert (len(encoder.enc_layers), encoder.d_model, encoder.dropout.rate) == (3, 512, 0)
    assert (encoder.enc_layers[0].mha.num_heads, encoder.enc_layers[0].ff1.units) == (8, 1024)
    # the pool token comes after the backbone and before the encoder; this numbers the optimizer's slots
    shapes = [tuple(w.shape) for w in model.trainable_weights]
    assert len(shapes) == 60 + 1 + 3 * 16
    assert shapes[60] == (512,)
    square, vector = (512, 512), (512,)
    attention = [square, vector] * 4
    assert shapes[61:77] == [*attention, vector, vector, (512, 1024), (1024,), (1024, 512), vector, vector, vector]


def test_task_solver_width_of_bottlenecks():
    model = task_solver("cpc", arch="resnet50", stages=1)
    assert model.attn_pooling.transformer.d_model == 256


@pytest.mark.parametrize("arguments", [("qrs",), ("beat", "vgg"), ("beat", "resnet18", 0)])
def test_task_solver_errors(arguments):
    with pytest.raises(ValueError):
        task_solver(*arguments)


def test_get_pretrained_weights_without_a_file(tmp_path):
    with pytest.raises((OSError, ValueError)):
        get_pretrained_weights(tmp_path / "missing.weights.h5", task="beat", stages=1)


def data_set(n=20):
    x = np.arange(n, dtype="float32").reshape(n, 1, 1)
    y = np.eye(2)[(np.arange(n) % 4 == 0).astype(int)]
    return {"x": x, "y": y, "record_ids": np.array([f"R{i}" for i in range(n)]), "classes": np.array(["a", "b"])}


def test_train_test_split(seed_42):
    whole = {**data_set(), "extra": 1}
    train, test = train_test_split(whole, test_size=0.25)
    order = np.concatenate([test["x"], train["x"]]).ravel().astype(int)
    np.random.seed(42)
    np.testing.assert_array_equal(order, np.random.permutation(20))
    for side, n in ((train, 15), (test, 5)):
        assert list(side) == ["x", "y", "record_ids", "classes"]
        assert len(side["x"]) == len(side["y"]) == n
        assert side["classes"] is whole["classes"]
        indices = side["x"].ravel().astype(int)
        np.testing.assert_array_equal(side["y"], whole["y"][indices])
        np.testing.assert_array_equal(side["record_ids"], whole["record_ids"][indices])


def test_train_test_split_stratified(seed_42):
    whole = data_set()
    train, test = train_test_split(whole, test_size=4, stratify=whole["y"])
    assert (train["y"][:, 1].sum(), test["y"][:, 1].sum()) == (4, 1)


def test_train_test_split_errors():
    with pytest.raises(AssertionError):
        train_test_split({**data_set(), "record_ids": np.arange(3)})
    with pytest.raises(ValueError):
        train_test_split(data_set(), test_size=20)


@pytest.mark.parametrize(("value", "size"), [(0.2, 0.2), (1.0, 1), (2.9, 2), (0.999, 0.999)])
def test_split_size(value, size):
    """Quirk Q48."""
    assert split_size(value) == size
    assert type(split_size(value)) is type(size)


@pytest.mark.parametrize("num_workers", [1, pytest.param(2, marks=pytest.mark.full)])
def test_unzip_icentia11k(tmp_path, num_workers):
    zipped = write_patients(tmp_path / "zipped", range(3))
    out_dir = tmp_path / "new" / "unzipped"
    unzip_icentia11k(zipped, [0, 2], out_dir, num_workers=num_workers)
    assert sorted(file.name[:5] for file in out_dir.iterdir()) == ["00000", "00000", "00002", "00002"]
    expected_signal, expected_labels = icentia11k.load_patient_data(zipped, 2)
    signal, labels = icentia11k.load_patient_data(out_dir, 2, unzipped=True)
    np.testing.assert_array_equal(signal, expected_signal)
    for segment in range(3):
        for found, expected in zip(labels["btype"][segment], expected_labels["btype"][segment]):
            np.testing.assert_array_equal(found, expected)
