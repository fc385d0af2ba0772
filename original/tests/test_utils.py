"""transplant.utils: check values, errors and kept quirks."""

import gzip
import math
import pickle

import numpy as np
import pytest
import tensorflow as tf

from transplant.utils import (
    buffered_generator,
    create_predictions_frame,
    is_multiclass,
    load_pkl,
    matches_spec,
    pad_sequences,
    read_predictions,
    running_mean_std,
    save_pkl,
)


class TestPadSequences:
    def test_pre_puts_zeros_in_front_and_cuts_the_beginning(self):
        padded = pad_sequences([np.array([1, 2, 3]), np.array([4])], max_len=2)
        np.testing.assert_array_equal(padded, [[2, 3], [0, 4]])

    def test_post_puts_zeros_behind_and_cuts_the_end(self):
        padded = pad_sequences([np.array([1, 2, 3]), np.array([4])], max_len=2, padding="post")
        np.testing.assert_array_equal(padded, [[1, 2], [4, 0]])

    def test_longest_sequence_sets_the_length(self):
        assert pad_sequences([np.ones((2, 3)), np.ones((5, 3))]).shape == (2, 5, 3)

    def test_first_sequence_sets_the_dtype(self):
        padded = pad_sequences([np.zeros((1, 1), np.float32), np.full((2, 1), 0.1)])
        assert padded.dtype == np.float32
        assert padded[1, 0, 0] == np.float32(0.1)

    def test_unknown_padding(self):
        with pytest.raises(ValueError, match="padding must be 'pre' or 'post', got 'both'"):
            pad_sequences([np.ones(2)], padding="both")

    def test_no_sequences(self):
        with pytest.raises(ValueError):
            pad_sequences([])

    @pytest.mark.parametrize(
        ("lengths", "max_len"), [([3, 0], None), ([0, 2], 1), ([2], 0)], ids=["empty", "empty in one", "cut to none"]
    )
    def test_quirk_q1_nothing_to_keep_raises(self, lengths, max_len):
        with pytest.raises(ValueError, match="could not broadcast"):
            pad_sequences([np.ones(length) for length in lengths], max_len=max_len)

    def test_quirk_q1_passes_where_shapes_happen_to_fit(self):
        assert pad_sequences([np.ones(0), np.ones(0)]).shape == (2, 0)
        assert pad_sequences([np.ones(1)], max_len=0).shape == (1, 0)

    def test_nothing_to_keep_gives_zeros_behind(self):
        np.testing.assert_array_equal(pad_sequences([np.ones(2), np.ones(0)], padding="post"), [[1, 1], [0, 0]])


class TestCreatePredictionsFrame:
    Y_PROB = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]], dtype=np.float32)

    def test_order_of_columns(self):
        frame = create_predictions_frame(
            self.Y_PROB,
            y_true=np.array([0, 1]),
            y_pred=self.Y_PROB > 0.5,
            class_names=["A", "N", "~"],
            record_ids=["r1", "r2"],
        )
        expected = ["record_name"] + [f"{prefix}_{name}" for prefix in ("true", "prob", "pred") for name in "AN~"]
        assert list(frame.columns) == expected
        assert frame["record_name"].tolist() == ["r1", "r2"]
        assert frame["prob_A"].dtype == np.float32
        assert frame["pred_N"].tolist() == [False, True]

    def test_classes_are_numbered_without_names(self):
        assert list(create_predictions_frame(self.Y_PROB).columns) == ["prob_0", "prob_1", "prob_2"]

    def test_vectors_are_binary_problems(self):
        frame = create_predictions_frame(np.array([[0.25], [1.0]]), y_true=np.array([0, 1]), y_pred=np.array([0, 1]))
        np.testing.assert_array_equal(frame[["prob_0", "prob_1"]], [[0.75, 0.25], [0, 1]])
        np.testing.assert_array_equal(frame[["pred_0", "pred_1"]], [[1, 0], [0, 1]])
        np.testing.assert_array_equal(frame[["true_0", "true_1"]], [[1, 0], [0, 1]])

    @pytest.mark.parametrize(
        ("y_true", "text"),
        [
            (np.array([0, 1]), "1.0,0.0,0.0"),
            (np.eye(3, dtype=bool)[:2], "True,False,False"),
            (np.eye(3, dtype=np.int64)[:2], "1,0,0"),
            (np.eye(3, dtype=np.float32)[:2], "1.0,0.0,0.0"),
        ],
        ids=["class indices", "bool", "int", "float"],
    )
    def test_quirk_q3_text_of_truth_follows_its_dtype(self, y_true, text):
        csv = create_predictions_frame(self.Y_PROB, y_true=y_true).to_csv(index=False)
        assert csv.splitlines()[1] == f"{text},0.7,0.2,0.1"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"class_names": ["A", "N"]}, "expected 3 class names, one per column of y_prob, got 2"),
            ({"y_pred": np.ones((2, 2))}, r"y_pred has shape \(2, 2\), expected \(2, 3\)"),
            ({"y_pred": np.ones(2)}, r"y_pred has shape \(2, 2\), expected \(2, 3\)"),
            ({"y_true": np.ones((3, 3))}, r"y_true has shape \(3, 3\), expected \(2, 3\)"),
            ({"y_true": np.array([0, 1, 2])}, r"y_true has shape \(3, 3\), expected \(2, 3\)"),
            ({"y_true": np.array([0, 3])}, r"must be 0 ... 2, got \[3\]"),
            ({"y_true": np.array([-1, 0])}, r"must be 0 ... 2, got \[-1\]"),
            ({"record_ids": ["r1"]}, "Length of values"),
        ],
    )
    def test_disagreement(self, options, message):
        with pytest.raises(ValueError, match=message):
            create_predictions_frame(self.Y_PROB, **options)

    def test_float_class_indices(self):
        with pytest.raises(IndexError):
            create_predictions_frame(self.Y_PROB, y_true=np.array([0.0, 1.0]))

    def test_bool_class_indices(self):
        with pytest.raises(IndexError):
            create_predictions_frame(self.Y_PROB, y_true=np.array([True, False]))
        with pytest.raises(ValueError, match="y_true has shape"):
            create_predictions_frame(np.eye(3), y_true=np.array([True, False, True]))

    def test_one_element(self):
        with pytest.raises(IndexError):
            create_predictions_frame(np.array([[0.5]]))

    def test_one_column_has_two_classes(self):
        with pytest.raises(ValueError, match="expected 2 class names"):
            create_predictions_frame(np.array([[0.5], [0.25]]), class_names=["AF"])

    def test_quirk_q2_one_record_of_two_classes_becomes_two_records(self):
        frame = create_predictions_frame(np.array([[0.25, 0.75]]), y_true=np.array([[0, 1]]), class_names=["a", "b"])
        np.testing.assert_array_equal(frame, [[1, 0, 0.75, 0.25], [0, 1, 0.25, 0.75]])

    @pytest.mark.parametrize(
        ("num_classes", "options"),
        [
            (2, {"y_true": np.array([[True, False]])}),
            (2, {"record_ids": ["r1"]}),
            (3, {"class_names": ["a", "b", "c"]}),
            (3, {"record_ids": ["r1"]}),
        ],
    )
    def test_quirk_q2_one_record_raises(self, num_classes, options):
        with pytest.raises(ValueError):
            create_predictions_frame(np.full((1, num_classes), 0.5), **options)


class TestTextOfPredictions:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.000101726226, "0.000101726226"),
            (9.205921e-05, "9.205921e-05"),
            (6.261761e-14, "6.261761e-14"),
            (0.0001, "1e-04"),
            (np.nextafter(np.float32(0.0001), np.float32(1)), "0.000100000005"),
            (2.0**-149, "1e-45"),
            (0.1, "0.1"),
            (1, "1.0"),
            (9.9e15, "9900000000000000.0"),
            (1e16, "1e+16"),
            (np.nan, ""),
            (np.inf, "inf"),
        ],
    )
    def test_shortest_text_of_float32(self, value, text):
        y_prob = np.array([[value, 0], [0, 0]], np.float32)
        csv = create_predictions_frame(y_prob).to_csv(index=False)
        assert csv.split("\n")[1] == f"{text},0.0"

    def test_line_ends_and_quotes(self):
        csv = create_predictions_frame(np.eye(2), class_names=["a,b", "~"]).to_csv(index=False)
        assert csv == '"prob_a,b",prob_~\n1.0,0.0\n0.0,1.0\n'

    def test_float32_comes_back_through_a_parser_that_is_not_correctly_rounded(self, tmp_path):
        y_prob = (10 ** np.random.RandomState(0).uniform(-20, 0, (10000, 2))).astype(np.float32)
        file = tmp_path / "predictions.csv"
        create_predictions_frame(y_prob).to_csv(file, index=False)
        read = read_predictions(file)["y_prob"]
        np.testing.assert_array_equal(read.astype(np.float32), y_prob)
        exact = np.array([[float(text) for text in line.split(",")] for line in file.read_text().split()[1:]])
        differs = read != exact
        assert differs.any()
        assert exact[differs].max() < 1e-12  # visible only in very small numbers
        np.testing.assert_allclose(read, exact, rtol=2**-52, atol=0)


class TestReadPredictions:
    def test_groups_and_classes(self, tmp_path):
        y_prob = np.array([[0.7, 0.3], [0.125, 0.875]], dtype=np.float32)
        file = tmp_path / "predictions.csv"
        create_predictions_frame(
            y_prob, y_true=y_prob > 0.5, y_pred=np.eye(2, dtype=int), class_names=["N", "~"], record_ids=["r1", "r2"]
        ).to_csv(file, index=False)
        predictions = read_predictions(file)
        assert set(predictions) == {"classes", "y_true", "y_pred", "y_prob"}
        assert predictions["classes"] == ["N", "~"]
        np.testing.assert_array_equal(predictions["y_prob"].astype(np.float32), y_prob)
        np.testing.assert_array_equal(predictions["y_true"], [[True, False], [False, True]])
        np.testing.assert_array_equal(predictions["y_pred"], [[1, 0], [0, 1]])

    @pytest.mark.parametrize(("text", "dtype"), [("True,False", np.bool_), ("1,0", np.int64), ("1.0,0.0", np.float64)])
    def test_dtype_of_truth_follows_its_text(self, tmp_path, text, dtype):
        file = tmp_path / "predictions.csv"
        file.write_text(f"true_1,true_2,prob_1,prob_2\n{text},0.5,0.5\n")
        predictions = read_predictions(file)
        assert predictions["y_true"].dtype == dtype
        assert predictions["classes"] == ["1", "2"]
        assert "y_pred" not in predictions

    def test_no_predictions(self, tmp_path):
        file = tmp_path / "predictions.csv"
        file.write_text("record_name\nr1\n")
        assert read_predictions(file) == {"classes": []}

    def test_quirk_q4_any_column_that_starts_with_prob_names_a_class(self, tmp_path):
        file = tmp_path / "predictions.csv"
        file.write_text("problem,true_em,prob_N\n1,0,0.5\n")
        predictions = read_predictions(file)
        assert predictions["classes"] == ["em", "N"]
        np.testing.assert_array_equal(predictions["y_true"], [[0]])
        np.testing.assert_array_equal(predictions["y_prob"], [[0.5]])


class TestMatchesSpec:
    X = np.zeros((4, 8, 1), np.float32)
    X_SPEC = tf.TensorSpec((None, 8, 1), tf.float32)

    def test_array(self):
        assert matches_spec(self.X, tf.TensorSpec((4, 8, 1), tf.float32)) is True
        assert matches_spec(self.X, tf.TensorSpec((2, 8, 1), tf.float32)) is False
        assert matches_spec(self.X, tf.TensorSpec((4, 8, 1), tf.float64)) is False

    def test_batch_axis(self):
        assert matches_spec(self.X, self.X_SPEC, ignore_batch_dim=True) is True
        assert matches_spec(self.X, tf.TensorSpec((4, 9, 1), tf.float32), ignore_batch_dim=True) is False

    def test_int64_is_not_int32(self):
        assert matches_spec(np.zeros(4, np.int64), tf.TensorSpec((4,), tf.int32)) is False

    def test_lists_and_tuples_are_alike(self):
        y_spec = tf.TensorSpec((None,), tf.int32)
        y = np.zeros(4, np.int32)
        assert matches_spec([self.X, y], (self.X_SPEC, y_spec), ignore_batch_dim=True) is True
        assert matches_spec((self.X, y.astype(np.int64)), [self.X_SPEC, y_spec], ignore_batch_dim=True) is False

    @pytest.mark.parametrize(
        ("o", "spec"),
        [
            (X, [X_SPEC]),
            ([X], [X_SPEC, X_SPEC]),
            (X, {"context": X_SPEC}),
            ({"samples": X}, {"context": X_SPEC}),
            ({}, {"context": X_SPEC}),
        ],
    )
    def test_different_nesting(self, o, spec):
        with pytest.raises(ValueError, match="expected"):
            matches_spec(o, spec)

    def test_quirk_q5_only_the_first_key_counts(self):
        spec = {"context": self.X_SPEC, "samples": self.X_SPEC}
        wrong = np.zeros(3)
        assert matches_spec({"samples": wrong, "context": self.X}, spec, ignore_batch_dim=True) is True
        assert matches_spec({"samples": self.X, "context": wrong}, spec, ignore_batch_dim=True) is False

    def test_quirk_q5_empty_dict(self):
        assert matches_spec({}, {}) is None


class TestRunningMeanStd:
    def test_check_value(self):
        mean, std = running_mean_std([np.array([0, 1, 2, 3]), np.array([0, 1, 2])])
        assert (mean, std) == (1.2857142857142858, 1.0301575072754254)
        assert type(std) is float

    def test_arrays_are_summed_in_their_own_dtype(self):
        x = np.array([2**24, 1], np.float32)
        assert running_mean_std([x])[0] == 2**23
        assert running_mean_std([x], dtype=np.float64)[0] == 2**23 + 0.5

    def test_quirk_q6_squares_of_small_integers_overflow(self):
        with pytest.raises(ValueError, match="math domain error"):
            running_mean_std([np.array([16, 16], np.uint8)])

    def test_nothing(self):
        assert all(math.isnan(value) for value in running_mean_std([]))


class TestBufferedGenerator:
    def test_new_list_per_item(self):
        lists = list(buffered_generator(iter(range(5)), 3))
        assert lists == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
        assert len({id(part) for part in lists}) == 3

    def test_takes_no_more_than_it_yields(self):
        source = iter(range(5))
        next(buffered_generator(source, 2))
        assert next(source) == 2

    def test_short_source(self):
        assert list(buffered_generator(iter([1]), 3)) == [[1]]
        assert list(buffered_generator(iter([]), 3)) == [[]]

    def test_quirk_q7_a_range_is_started_over(self):
        assert list(buffered_generator(range(3), 2)) == [[0, 1], [1, 0], [0, 1], [1, 2]]

    def test_quirk_q7_size_0_swallows_the_source(self):
        assert list(buffered_generator(iter(range(3)), 0)) == [[0, 1, 2]]


class TestPickles:
    @pytest.mark.parametrize("compress", [True, False])
    def test_round_trip(self, tmp_path, compress):
        file = tmp_path / "data.pkl"
        save_pkl(file, compress=compress, x=np.arange(3), classes=["A"])
        content = load_pkl(file, compress=compress)
        assert content["classes"] == ["A"]
        np.testing.assert_array_equal(content["x"], [0, 1, 2])

    def test_gzip_with_protocol_4_whatever_the_extension(self, tmp_path):
        save_pkl(tmp_path / "data.pkl", x=1)
        content = gzip.decompress((tmp_path / "data.pkl").read_bytes())
        assert content[:2] == b"\x80\x04"
        assert pickle.loads(content) == {"x": 1}


class TestIsMulticlass:
    @pytest.mark.parametrize(
        ("labels", "expected"),
        [
            (np.eye(3), False),
            (np.eye(3, dtype=bool), False),
            (np.array([[1, 1], [0, 1]]), True),
            (np.array([0, 1, 2]), False),
            (np.array([[2], [0]]), False),
        ],
        ids=["one-hot", "bool", "two labels", "class indices", "one column"],
    )
    def test_means_multi_label(self, labels, expected):
        assert is_multiclass(labels) is expected

    def test_quirk_q8_one_row_without_labels(self):
        assert is_multiclass(np.array([[1, 0], [0, 0]])) is True
