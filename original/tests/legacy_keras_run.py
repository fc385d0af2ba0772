"""Run both trainers on the old Keras, for `test_legacy_keras.py`: `python legacy_keras_run.py FOLDER`.

A process of its own, because TF_USE_LEGACY_KERAS counts only before TensorFlow is imported. FOLDER holds `icentia`,
`train.pkl`, `twelve.pkl` and an empty `weights`; the test writes them.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import tensorflow as tf
from tensorflow.python.autograph.core import config as autograph

import finetuning.trainer
import finetuning.utils
import pretraining.trainer
from finetuning import adjust_network
from pretraining.utils import get_pretrained_weights, task_solver

FRAME_SIZE = 128


def main(folder: Path) -> None:
    """Write `jobs/`, `weights/` and `<network>.npz` (inputs, weights by path of attributes, outputs) to the folder."""
    assert tf.keras.__name__.startswith("tf_keras"), tf.keras.__name__
    # AutoGraph skips Keras, but does not recognise it under this name. Rewriting it takes 20 s and changes nothing.
    autograph.CONVERSION_RULES = (autograph.DoNotConvert("tf_keras"), *autograph.CONVERSION_RULES)
    pretrain(folder)
    finetune(folder)
    for task in ("beat", "cpc"):
        export(folder, task)


def pretrain(folder: Path) -> None:
    """Pretrain twice, extract the backbone, continue from a checkpoint."""
    common = (
        f"--job-dir {folder}/jobs/beat --task beat --train {folder}/icentia --patients 0-4 --stages 1 --seed 5 "
        f"--frame-size {FRAME_SIZE} --batch-size 8 --steps-per-epoch 2 --samples-per-patient 2 --epochs 2"
    ).split()
    pretraining.trainer.main([*common, "--val-patients", "2"])
    checkpoint = folder / "jobs/beat/epoch_02/model.weights"
    pretraining.trainer.main([*common, "--job-dir", f"{folder}/jobs/more", "--weights-file", str(checkpoint)])
    backbone = get_pretrained_weights(checkpoint, "beat", stages=1)
    backbone.save_weights(str(folder / "weights/backbone.weights"))
    np.savez(folder / "pretrained.npz", *backbone.get_weights())


def finetune(folder: Path) -> None:
    """Finetune a shortened network on one lead, adapt it, finetune on twelve leads, continue from the whole model."""
    whole = finetuning.utils.ecg_feature_extractor
    finetuning.trainer.ecg_feature_extractor = lambda arch: whole(arch, 1)
    weights = folder / "weights/backbone.weights"
    options = ["--batch-size", "8", "--seed", "5", "--val-size", "8"]

    def run(job, train, weights_file, metric):
        arguments = ["--job-dir", folder / "jobs" / job, "--train", folder / train, "--weights-file", weights_file]
        finetuning.trainer.main([*map(str, arguments), *options, "--val-metric", metric])

    run("af", "train.pkl", weights, "f1")
    adjust_network.main(["--weights-file", str(weights), "--channels", "12", "--stages", "1"])
    run("rhythm", "twelve.pkl", f"{weights}.adjusted", "loss")
    run("again", "twelve.pkl", folder / "jobs/rhythm/best_model.weights", "loss")


def export(folder: Path, task: str) -> None:
    """Write a network's inputs, weights and outputs in inference and in training mode."""
    model = task_solver(task, stages=1)
    rng = np.random.RandomState(1)
    if task == "cpc":
        x = {
            key: rng.standard_normal((2, n, FRAME_SIZE, 1)).astype("float32")
            for key, n in (("context", 4), ("samples", 3))
        }
        arrays = {f"input/{key}": value for key, value in x.items()}
    else:
        x = rng.standard_normal((3, FRAME_SIZE, 1)).astype("float32")
        arrays = {"input": x}
    model(x)
    for weight in model.weights:
        weight.assign(rng.uniform(0.5, 1.5, weight.shape) if weight.shape.rank == 1 else weight)
    arrays.update({f"weight/{path}": weight.numpy() for path, weight in weights_by_attribute(model).items()})
    arrays["inference"] = model(x).numpy()
    arrays["training"] = model(x, training=True).numpy()
    np.savez(folder / f"{task}.npz", **arrays)


def weights_by_attribute(model) -> dict:
    """Return the weights under names that are the same in both versions of Keras: paths of lists and attributes."""
    from transplant.tasks.cpc import CPCSolver

    if isinstance(model, CPCSolver):
        resnet, pooling = model.signal_embedding.layers[0], model.attn_pooling
        found = {"token": pooling.pool_token_embedding}
        for number, layer in enumerate(pooling.transformer.enc_layers):
            for name in ("W_v", "W_k", "W_q", "W_o"):
                found.update(_own(f"{number}/{name}", getattr(layer.mha, name)))
            for name in ("layernorm1", "ff1", "ff2", "layernorm2"):
                found.update(_own(f"{number}/{name}", getattr(layer, name)))
    else:
        resnet, found = model.layers[0].layers[0], _own("head", model.layers[1])
    found.update({**_own("conv1", resnet.conv1), **_own("bn1", resnet.bn1)})
    for number, block in enumerate(resnet.blocks):
        for name in ("conv1", "bn1", "conv2", "bn2"):
            found.update(_own(f"blocks/{number}/{name}", getattr(block, name)))
    assert len(found) == len(model.weights)
    return found


def _own(path: str, layer) -> dict:
    return {f"{path}/{k}": weight for k, weight in enumerate(layer.weights)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
