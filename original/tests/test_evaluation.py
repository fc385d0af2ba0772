"""transplant.evaluation: check values, errors, kept quirks, the checkpoint callback."""

import math
import os

import numpy as np
import pytest
import tensorflow as tf

from transplant.evaluation import (
    CustomCheckpoint,
    _one_hot,
    auc,
    challenge2020_metrics,
    f1,
    f_max,
    macro_precision_recall,
    multi_f1,
)

INDICES = np.array([0, 1, 2, 0])
Y_TRUE = np.eye(3)[INDICES]
Y_PROB = np.array([[0.7, 0.2, 0.1], [0.4, 0.4, 0.2], [0.3, 0.5, 0.2], [0.1, 0.8, 0.1]])

CHALLENGE_TRUE = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1]])
CHALLENGE_PRED = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1], [1, 1, 0]])


class TestAuc:
    def test_check_value(self):
        assert auc(Y_TRUE, Y_PROB) == 0.5555555555555556

    @pytest.mark.parametrize(("y_true", "y_prob"), [(INDICES, Y_PROB), (Y_TRUE[:3], Y_PROB), (INDICES, Y_PROB[:, 0])])
    def test_shapes(self, y_true, y_prob):
        with pytest.raises(ValueError, match="shape"):
            auc(y_true, y_prob)

    def test_quirk_q9_class_that_does_not_occur(self):
        with pytest.raises(ValueError, match="Only one class"):
            auc(np.eye(3)[[0, 1, 0, 1]], Y_PROB)


class TestF1:
    @pytest.mark.parametrize("y_true", [Y_TRUE, INDICES], ids=["one-hot", "class indices"])
    def test_check_value(self, y_true):
        assert f1(y_true, Y_PROB) == 0.3333333333333333

    def test_check_value_of_independent_classes(self):
        assert f1(Y_TRUE, Y_PROB, multiclass=True) == 0.2222222222222222
        assert f1(Y_TRUE, Y_PROB, multiclass=True, threshold=[0.1, 0.4, 0.15]) == 0.611111111111111

    def test_multi_f1(self):
        assert multi_f1(Y_TRUE, Y_PROB) == 0.2222222222222222

    def test_threshold_is_reached_at_equality(self):
        assert f1(np.eye(2), np.array([[0.5, 0.1], [0.1, 0.5]]), multiclass=True) == 1

    def test_logits(self):
        assert f1(Y_TRUE, np.log(Y_PROB)) == f1(Y_TRUE, Y_PROB)

    def test_quirk_q10_every_tied_maximum_is_predicted(self):
        assert f1(np.eye(2), np.full((2, 2), 0.5)) == pytest.approx(2 / 3)

    def test_quirk_q10_threshold_is_ignored_without_multiclass(self):
        assert f1(Y_TRUE, Y_PROB, threshold=0.99) == f1(Y_TRUE, Y_PROB)

    @pytest.mark.filterwarnings("ignore:A column-vector y was passed")
    def test_quirk_q11_one_class_averages_over_label_values(self):
        y_true = np.array([[1.0], [1.0], [0.0], [0.0]])
        y_prob = np.array([[0.9], [0.1], [0.1], [0.1]])
        of_ones, of_zeros = 2 / 3, 4 / 5
        assert f1(y_true, y_prob, multiclass=True) == pytest.approx((of_ones + of_zeros) / 2)

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
    def test_nan_probabilities(self):
        assert f1(Y_TRUE, np.full((4, 3), np.nan)) == 0

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
    def test_class_that_neither_occurs_nor_is_predicted_counts_as_0(self):
        y_true = np.eye(3)[[0, 1]]
        assert f1(y_true, y_true) == pytest.approx(2 / 3)

    def test_shapes(self):
        with pytest.raises(ValueError, match=r"y_prob must have shape \(samples, classes\)"):
            f1(INDICES, Y_PROB[:, 0])
        with pytest.raises(ValueError, match="got class indices"):
            f1(INDICES, Y_PROB, multiclass=True)


class TestFMax:
    THRESHOLDS = np.array([0, 0.3, 0.6, 0.9])

    @pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # 0/0 if no prediction is right
    def test_check_value(self):
        assert f_max(Y_TRUE, Y_PROB) == (0.5, 0.0)

    def test_macro_precision_recall(self):
        precision, recall = macro_precision_recall(Y_TRUE, Y_PROB, self.THRESHOLDS)
        np.testing.assert_array_equal(precision, [1 / 3, 0.375, 0.5, np.nan])
        np.testing.assert_array_equal(recall, [1, 0.5, 0.25, 0])

    def test_threshold_is_reached_at_equality(self):
        precision, recall = macro_precision_recall(np.eye(2), np.array([[0.6, 0], [0, 0.6]]), np.array([0.6]))
        assert (precision, recall) == (1, 1)

    def test_default_grid_has_100_values(self):
        y_prob = np.array([[0.5, 0.1], [0.1, 0.5]])
        score, threshold = f_max(np.eye(2), y_prob)
        assert score == 1
        assert threshold == np.linspace(0, 1, 100)[10]

    def test_list_of_thresholds(self):
        with pytest.raises(TypeError):
            f_max(Y_TRUE, Y_PROB, [0.3, 0.6])

    @pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
    def test_quirk_q12_one_sample_without_labels(self):
        y_true = Y_TRUE.copy()
        y_true[0] = 0
        _, recall = macro_precision_recall(y_true, Y_PROB, self.THRESHOLDS)
        assert np.isnan(recall).all()
        with pytest.raises(ValueError, match="All-NaN"):
            f_max(y_true, Y_PROB)

    @pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
    def test_quirk_q12_nothing_right_anywhere(self):
        with pytest.raises(ValueError, match="All-NaN"):
            f_max(np.eye(2), np.eye(2)[::-1], np.array([0.5, 0.7]))

    def test_sample_without_labels_warns(self):
        with pytest.warns(RuntimeWarning, match="invalid value"):
            macro_precision_recall(np.zeros((2, 2)), np.ones((2, 2)), self.THRESHOLDS)


class TestChallenge2020Metrics:
    def test_check_values(self):
        metrics = challenge2020_metrics(CHALLENGE_TRUE, CHALLENGE_PRED)
        assert metrics == {"F_beta": 0.7638888888888888, "G_beta": 0.5777777777777777}

    def test_class_weights(self):
        metrics = challenge2020_metrics(CHALLENGE_TRUE, CHALLENGE_PRED, class_weights=np.array([1, 2, 0]))
        assert metrics == {"F_beta": 0.7777777777777777, "G_beta": 0.6}

    def test_single(self):
        metrics = challenge2020_metrics(CHALLENGE_TRUE[:, :1], CHALLENGE_PRED[:, :1], single=True)
        assert metrics == {"F_beta": 1, "G_beta": 1}

    def test_classes_beyond_the_weights_are_left_out(self):
        assert challenge2020_metrics(CHALLENGE_TRUE, CHALLENGE_PRED, class_weights=np.ones(1)) == {
            "F_beta": 1,
            "G_beta": 1,
        }

    def test_predictions_other_than_0_and_1_count_nowhere(self):
        y_pred = np.array([[0.5], [1], [1]])
        metrics = challenge2020_metrics(np.array([[1], [1], [0]]), y_pred, single=True)
        assert metrics["F_beta"] == 5 / 6

    def test_quirk_q13_beta_g_is_not_squared(self):
        y_true, y_pred = np.array([[1], [1]]), np.array([[1], [0]])
        metrics = challenge2020_metrics(y_true, y_pred, beta_f=3, beta_g=3)
        assert metrics == {"F_beta": 10 / 19, "G_beta": 1 / 4}

    def test_quirk_q13_list_of_weights(self):
        with pytest.raises(AttributeError):
            challenge2020_metrics(CHALLENGE_TRUE, CHALLENGE_PRED, class_weights=[1, 2, 0])

    @pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
    def test_quirk_q13_absent_class(self):
        nothing = np.zeros((2, 1), int)
        metrics = challenge2020_metrics(nothing, nothing, single=True)
        assert all(math.isnan(value) for value in metrics.values())

    @pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
    def test_quirk_q13_sample_without_labels_weighs_infinitely(self):
        metrics = challenge2020_metrics(np.array([[1, 1], [0, 0]]), np.array([[1, 1], [1, 1]]))
        assert metrics == {"F_beta": 0, "G_beta": 0}


def test_one_hot():
    one_hot = _one_hot(np.array([2, 0]), depth=3)
    np.testing.assert_array_equal(one_hot, [[0, 0, 1], [1, 0, 0]])
    assert one_hot.dtype == np.float64


class TestCustomCheckpoint:
    X = np.eye(2, dtype=np.float32)

    def checkpoint(self, tmp_path, scores, **options):
        """Attach a checkpoint whose score has the given value in each epoch."""
        remaining = iter(scores)

        def score(y_true, y_prob):
            assert y_true is self.X
            assert y_prob.shape == (2, 2)
            return next(remaining)

        model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(2, use_bias=False)])
        checkpoint = CustomCheckpoint(
            tmp_path / "epoch_{epoch:02d}.weights.h5", data=(self.X, self.X), score_fn=score, **options
        )
        checkpoint.set_model(model)
        return checkpoint

    def run(self, checkpoint, num_epochs):
        for epoch in range(num_epochs):
            checkpoint.on_epoch_end(epoch, {})

    def test_saves_every_epoch(self, tmp_path):
        checkpoint = self.checkpoint(tmp_path, [0.5, 0.4])
        self.run(checkpoint, 2)
        assert sorted(file.name for file in tmp_path.iterdir()) == ["epoch_01.weights.h5", "epoch_02.weights.h5"]
        assert checkpoint.best == 0.5

    def test_saves_best_only_and_an_equal_score_is_no_better(self, tmp_path):
        self.run(self.checkpoint(tmp_path, [0.5, 0.5, 0.4, 0.6], save_best_only=True), 4)
        assert sorted(file.name for file in tmp_path.iterdir()) == ["epoch_01.weights.h5", "epoch_04.weights.h5"]

    def test_score_to_beat(self, tmp_path):
        self.run(self.checkpoint(tmp_path, [0.5, 0.8], save_best_only=True, best=0.7), 2)
        assert [file.name for file in tmp_path.iterdir()] == ["epoch_02.weights.h5"]

    def test_quirk_q14_nan_is_never_saved_as_best(self, tmp_path):
        checkpoint = self.checkpoint(tmp_path, [math.nan, math.nan], save_best_only=True)
        self.run(checkpoint, 2)
        assert list(tmp_path.iterdir()) == []
        assert checkpoint.best == -np.inf

    def test_saved_weights_are_those_of_the_model(self, tmp_path):
        checkpoint = self.checkpoint(tmp_path, [0.5])
        (kernel,) = checkpoint.model.get_weights()
        self.run(checkpoint, 1)
        checkpoint.model.set_weights([kernel + 1])
        checkpoint.model.load_weights(tmp_path / "epoch_01.weights.h5")
        np.testing.assert_array_equal(checkpoint.model.get_weights()[0], kernel)

    def test_score_is_added_to_the_logs_under_the_name_of_the_function(self, tmp_path):
        checkpoint = self.checkpoint(tmp_path, [0.5])
        checkpoint.filepath = str(tmp_path / "{loss:.1f}_{score:.2f}.weights.h5")
        logs = {"loss": 0.25}
        checkpoint.on_epoch_end(0, logs)
        assert logs == {"loss": 0.25, "score": 0.5}
        assert [file.name for file in tmp_path.iterdir()] == ["0.2_0.50.weights.h5"]

    @pytest.mark.parametrize("score_fn", [f1, multi_f1, auc])
    def test_metric_name(self, score_fn):
        assert CustomCheckpoint("", (None, None), score_fn).metric_name == score_fn.__name__

    def test_later_callbacks_of_a_training_see_the_score(self, tmp_path):
        model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(2, activation="softmax")])
        model.compile(loss="categorical_crossentropy")
        data = tf.data.Dataset.from_tensor_slices((self.X, self.X)).batch(2)
        checkpoint = CustomCheckpoint(tmp_path / "best.weights.h5", data=(data, self.X), score_fn=f1)
        log = tf.keras.callbacks.CSVLogger(tmp_path / "history.csv")
        model.fit(data, epochs=1, verbose=0, callbacks=[checkpoint, log])
        header = (tmp_path / "history.csv").read_text().splitlines()[0]
        assert header == "epoch,f1,loss,val_f1,val_loss"  # Quirk Q38: columns of a validation that does not exist

    @pytest.mark.skipif(os.environ.get("TF_USE_LEGACY_KERAS") == "1", reason="tf_keras takes any file name")
    def test_quirk_q30_keras_3_refuses_other_file_names(self, tmp_path):
        checkpoint = self.checkpoint(tmp_path, [0.5])
        checkpoint.filepath = str(tmp_path / "best_model.weights")
        with pytest.raises(ValueError, match="weights.h5"):
            self.run(checkpoint, 1)

    def test_report(self, tmp_path, capsys):
        self.run(self.checkpoint(tmp_path, [0.5, 0.25], save_best_only=True, verbose=1), 2)
        first, second = capsys.readouterr().out.splitlines()
        file = tmp_path / "epoch_01.weights.h5"
        assert first == f"epoch 00001: score 0.50000, best before -inf: improved, saved to {file}"
        assert second == "epoch 00002: score 0.25000, best before 0.50000: not saved"
