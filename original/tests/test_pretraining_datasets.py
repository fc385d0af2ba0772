"""pretraining.datasets: elements, draws, normalisation, and the differences between a data set and its generator."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from icentia_files import synthetic_signal

from pretraining.datasets import (
    beat_dataset,
    beat_generator,
    cpc_dataset,
    cpc_generator,
    heart_rate_dataset,
    heart_rate_generator,
    rhythm_dataset,
    rhythm_generator,
)
from transplant.datasets import icentia11k

FRAME_TASKS = [
    (rhythm_dataset, rhythm_generator, icentia11k.rhythm_data_generator),
    (beat_dataset, beat_generator, icentia11k.beat_data_generator),
    (heart_rate_dataset, heart_rate_generator, icentia11k.heart_rate_data_generator),
]
CPC_OPTIONS = {"context_size": 3, "ns": 2, "context_overlap": 16, "positive_offset": 1, "num_buffered_patients": 2}

pytestmark = pytest.mark.usefixtures("seed_42")


def take(source, count):
    return list(itertools.islice(source, count))


@pytest.mark.parametrize(("dataset", "generator", "sampling_generator"), FRAME_TASKS)
class TestFrameTasks:
    def test_element_spec(self, icentia_unzipped, dataset, generator, sampling_generator):
        spec = dataset(icentia_unzipped, range(5), 512, unzipped=True).element_spec
        assert spec == (tf.TensorSpec((512, 1), tf.float32), tf.TensorSpec((), tf.int32))

    def test_generator_is_the_sampling_generator_over_shuffled_patients(
        self, icentia_unzipped, dataset, generator, sampling_generator
    ):
        got = take(generator(icentia_unzipped, range(5), 512, unzipped=True, samples_per_patient=3), 20)
        np.random.seed(42)
        patients = icentia11k.uniform_patient_generator(icentia_unzipped, range(5), unzipped=True)
        expected = take(sampling_generator(patients, 512, samples_per_patient=3), 20)
        assert [y for _, y in got] == [y for _, y in expected]
        for (x, _), (raw, _) in zip(got, expected):
            np.testing.assert_array_equal(x, icentia11k.normalize(raw))

    def test_dataset_makes_the_draws_of_its_generator(self, icentia_unzipped, dataset, generator, sampling_generator):
        options = {"frame_size": 512, "unzipped": True, "samples_per_patient": 3}
        got = list(dataset(icentia_unzipped, np.arange(5), **options).take(20).as_numpy_iterator())
        np.random.seed(42)
        expected = take(generator(icentia_unzipped, np.arange(5), **options), 20)
        assert [y for _, y in got] == [y for _, y in expected]
        for (x, y), (expected_x, _) in zip(got, expected):
            assert (x.dtype, y.dtype) == (np.float32, np.int32)
            np.testing.assert_array_equal(x, expected_x.astype(np.float32))

    def test_raw_frames_of_zipped_files(self, icentia_zipped, dataset, generator, sampling_generator):
        ((x, _),) = dataset(icentia_zipped, [2], 512, normalize=False).take(1).as_numpy_iterator()
        assert x[0, 0] in synthetic_signal(2)
        np.testing.assert_array_equal(x, x[0] + np.arange(512)[:, np.newaxis])

    def test_repeats_without_end(self, icentia_unzipped, dataset, generator, sampling_generator):
        frames = generator(str(icentia_unzipped).encode(), [0, 1], 512, normalize=False, unzipped=True)
        owners = [int(x[0, 0] // 100000) for x, _ in take(frames, 20)]
        assert [sorted(pair) for pair in zip(owners[::2], owners[1::2])] == [[0, 1]] * 10


class TestCpc:
    def test_element_spec(self, icentia_unzipped):
        x_spec, y_spec = cpc_dataset(icentia_unzipped, range(5), 256, context_size=3, ns=4).element_spec
        assert x_spec == {
            "context": tf.TensorSpec((3, 256, 1), tf.float32),
            "samples": tf.TensorSpec((5, 256, 1), tf.float32),
        }
        assert y_spec == tf.TensorSpec((), tf.int32)

    def test_dataset_makes_the_draws_of_its_generator(self, icentia_unzipped):
        options = {**CPC_OPTIONS, "frame_size": 256, "unzipped": True, "samples_per_patient": 3}
        got = list(cpc_dataset(icentia_unzipped, range(5), **options).take(12).as_numpy_iterator())
        np.random.seed(42)
        expected = take(cpc_generator(icentia_unzipped, range(5), **options), 12)
        assert [y for _, y in got] == [y for _, y in expected]
        for (x, _), (expected_x, _) in zip(got, expected):
            for name in ("context", "samples"):
                np.testing.assert_array_equal(x[name], expected_x[name].astype(np.float32))

    def test_patients_are_buffered_and_both_parts_normalised(self, icentia_unzipped):
        options = {**CPC_OPTIONS, "unzipped": True}
        raw = take(cpc_generator(icentia_unzipped, range(5), 256, normalize=False, **options), 3)
        owners = [set((x["samples"][:, 0, 0] // 100000).astype(int)) for x, _ in raw]
        for own, buffered in zip(owners, [{1, 4}, {4, 2}, {2, 0}]):  # the order of patients is 1 4 2 0 3
            assert own <= buffered
        np.random.seed(42)
        normalized = take(cpc_generator(icentia_unzipped, range(5), 256, **options), 3)
        for (x, y), (raw_x, raw_y) in zip(normalized, raw):
            assert y == raw_y
            for name in ("context", "samples"):
                np.testing.assert_array_equal(x[name], icentia11k.normalize(raw_x[name]))

    def test_labels_are_not_read(self, icentia_unzipped, tmp_path):
        for file in icentia_unzipped.glob("*.npy"):
            (tmp_path / file.name).symlink_to(file)
        x, _ = next(cpc_generator(tmp_path, range(5), 256, unzipped=True, **CPC_OPTIONS))
        assert x["context"].shape == (3, 256, 1)


def test_quirk_q22_data_set_refuses_odd_heart_rate_frames(icentia_unzipped):
    frames = heart_rate_dataset(icentia_unzipped, range(5), 511, unzipped=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"shape \(510, 1\) where an element of shape \(511, 1\)"):
        next(iter(frames))


def test_quirk_q26_no_patients(icentia_unzipped):
    with pytest.raises(tf.errors.InvalidArgumentError, match="no patient ids to repeat"):
        next(iter(beat_dataset(icentia_unzipped, np.array([], dtype=int), 512)))


def test_missing_patient(icentia_unzipped):
    with pytest.raises(tf.errors.UnknownError, match="FileNotFoundError.*00077_batched"):
        next(iter(beat_dataset(icentia_unzipped, [77], 512, unzipped=True)))
