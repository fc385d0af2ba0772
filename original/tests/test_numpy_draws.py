"""Which 32-bit draws the random functions make: NumPy and sklearn compared with a replay in plain Python."""

import numpy as np
import pytest
from legacy_draws import LegacyGenerator, split, stratified_split
from sklearn.model_selection import train_test_split

from transplant.datasets import icentia11k

SEEDS = [0, 1, 7, 42, 54003, 2**32 - 1]


@pytest.fixture(params=SEEDS)
def generator(request):
    """A replay beside NumPy's global generator with the same seed; their final states must agree too."""
    before = np.random.get_state()
    np.random.seed(request.param)
    replay = LegacyGenerator(request.param)
    yield replay
    _, state, position, _, _ = np.random.get_state()
    assert replay.position == position
    np.testing.assert_array_equal(replay.state, state)
    np.random.set_state(before)


@pytest.mark.usefixtures("seed_42")
class TestSpotValues:
    def test_seed_42(self):
        assert [np.random.randint(3) for _ in range(8)] == [2, 0, 2, 2, 0, 0, 2, 1]
        assert [np.random.randint(4488) for _ in range(4)] == [466, 4426, 3444, 3171]
        assert np.random.random_sample() == 0.14286681792194078

    def test_seed_7(self):
        np.random.seed(7)
        assert [np.random.randint(2049) for _ in range(3)] == [175, 1220, 537]
        assert np.random.random_sample() == 0.31897222577340323
        assert np.random.permutation(8).tolist() == [7, 6, 2, 5, 0, 1, 4, 3]


class TestDraws:
    @pytest.mark.parametrize("n", [1, 2, 3, 50, 4488, 2**20 + 1, 2**31])
    def test_randint(self, generator, n):
        assert [np.random.randint(n) for _ in range(50)] == [generator.randint(n) for _ in range(50)]

    def test_random_sample(self, generator):
        assert np.random.random_sample(700).tolist() == [generator.dbl() for _ in range(700)]

    @pytest.mark.parametrize("n", [0, 1, 2, 5, 1000])
    def test_shuffle(self, generator, n):
        expected, replayed = np.arange(n), list(range(n))
        for _ in range(2):
            np.random.shuffle(expected)
            generator.shuffle(replayed)
        assert expected.tolist() == replayed

    def test_permutation(self, generator):
        assert np.random.permutation(700).tolist() == generator.permutation(700)

    def test_choice(self, generator):
        assert np.random.choice(range(5, 105), size=1024).tolist() == generator.choice(range(5, 105), 1024)

    @pytest.mark.parametrize("p", [[0.1, 0.2, 0.3, 0.2, 0.2], [0.0, 1.0], [1 / 7] * 7])
    def test_choice_with_probabilities(self, generator, p):
        items = range(len(p))
        assert np.random.choice(len(p), size=300, p=p).tolist() == generator.choice(items, 300, p=p)

    def test_single_choice_with_probabilities_is_one_double(self, generator):
        assert np.random.choice(5, p=[0.2] * 5) == generator.choice(range(5), 1, p=[0.2] * 5)[0]

    def test_choice_without_replacement(self, generator):
        items = list(range(10, 20))
        assert np.random.choice(items, 4, replace=False).tolist() == generator.choice(items, 4, replace=False)


class TestSplits:
    @pytest.mark.parametrize(
        ("options", "num_train", "num_test"),
        [
            ({"test_size": 0.2}, 81, 21),
            ({"test_size": 1}, 101, 1),
            ({"train_size": 0.25}, 25, 77),
            ({"train_size": 10}, 10, 92),
        ],
    )
    def test_plain(self, generator, options, num_train, num_test):
        train, test = train_test_split(np.arange(102), **options)
        assert (train.tolist(), test.tolist()) == split(generator, 102, num_train, num_test)

    @pytest.mark.parametrize("num_test", [20, 21, 37])
    @pytest.mark.parametrize(
        "classes",
        [[0] * 25 + [1] * 25 + [2] * 25 + [3] * 25, [0] * 60 + [1] * 25 + [2] * 12 + [3] * 3],
        ids=["balanced", "unbalanced"],
    )
    @pytest.mark.parametrize("form", [lambda y: np.eye(4, dtype=bool)[y], lambda y: y], ids=["one-hot", "indices"])
    def test_stratified(self, generator, classes, num_test, form):
        y = form(np.array(classes))
        train, test = train_test_split(np.arange(100), test_size=num_test, stratify=y)
        assert (train.tolist(), test.tolist()) == stratified_split(generator, y, 100 - num_test, num_test)

    def test_bool_rows_sort_as_text_so_classes_come_in_reverse(self):
        rows = [" ".join(map(str, row)) for row in np.eye(3, dtype=bool).tolist()]
        assert sorted(rows) == rows[::-1]


class TestPatientDraws:
    """Number, order and kind of the draws of transplant.datasets.icentia11k."""

    NUM_SEGMENTS, SEGMENT_SIZE = 3, 5000

    def place(self, patient, segment, start):
        return 100000 * patient + 10000 * segment + start

    @pytest.mark.parametrize(
        "sample",
        [icentia11k.rhythm_data_generator, icentia11k.beat_data_generator, icentia11k.heart_rate_data_generator],
    )
    def test_frames(self, generator, synthetic_patients, sample):
        for index, (x, _) in enumerate(sample(synthetic_patients, 512, samples_per_patient=20)):
            segment = generator.randint(self.NUM_SEGMENTS)
            start = generator.randint(self.SEGMENT_SIZE - 512)
            assert x[0, 0] == self.place(index // 20, segment, start)

    def test_heart_rate_label_frames(self, generator, synthetic_patients):
        frames = icentia11k.heart_rate_data_generator(synthetic_patients, 512, 1025, samples_per_patient=20)
        for index, (x, _) in enumerate(frames):
            segment = generator.randint(self.NUM_SEGMENTS)
            center = generator.randint(self.SEGMENT_SIZE - 1025) + 512
            assert x[0, 0] == self.place(index // 20, segment, center - 256)

    @pytest.mark.parametrize("prob", [None, 0.7])
    def test_cpc(self, generator, synthetic_patients, prob):
        items = icentia11k.cpc_data_generator(
            [synthetic_patients], 3, 4, 256, 64, 1, ns_same_segment_prob=prob, samples_per_patient=20
        )
        num_segments = 3 * self.NUM_SEGMENTS
        uniform = np.full(num_segments, 1 / num_segments)
        for x, y in items:
            (segment,) = generator.choice(range(num_segments), 1, p=uniform)
            start = generator.randint(self.SEGMENT_SIZE - (3 * 192 + 2 * 256))
            p = uniform
            if prob is not None:
                p = np.full(num_segments, (1 - prob) / (num_segments - 1))
                p[segment] = prob
            others = generator.choice(range(num_segments), 4, p=p)
            starts = [generator.randint(self.SEGMENT_SIZE - 256) for _ in others]
            samples = [self.place(*divmod(other, self.NUM_SEGMENTS), first) for other, first in zip(others, starts)]
            assert y == generator.randint(5)
            samples.insert(y, self.place(*divmod(segment, self.NUM_SEGMENTS), start + 3 * 192 + 256))
            assert x["samples"][:, 0, 0].tolist() == samples
            assert x["context"][0, 0, 0] == self.place(*divmod(segment, self.NUM_SEGMENTS), start)

    def test_uniform_patients(self, generator, icentia_unzipped):
        patients = icentia11k.uniform_patient_generator(icentia_unzipped, range(5), include_labels=False, unzipped=True)
        order = list(range(5))
        for _ in range(3):
            generator.shuffle(order)
            assert [next(patients)[0] for _ in range(5)] == order

    @pytest.mark.parametrize("weights", [None, [0.1, 0.2, 0.3, 0.2, 0.2]])
    def test_random_patients(self, generator, icentia_unzipped, weights):
        patients = icentia11k.random_patient_generator(
            icentia_unzipped, range(5), weights, include_labels=False, unzipped=True
        )
        order = generator.choice(range(5), 1024, p=weights)
        assert [next(patients)[0] for _ in range(20)] == order[:20]


class TestErrors:
    @pytest.mark.parametrize("seed", [-1, 2**32])
    def test_seed(self, seed):
        with pytest.raises(ValueError, match="Seed must be between"):
            np.random.seed(seed)

    @pytest.mark.parametrize("n", [0, -5])
    def test_randint(self, n):
        with pytest.raises(ValueError):
            np.random.randint(n)

    @pytest.mark.parametrize("p", [[-0.5, 1.5], [0.5, 0.5 + 3e-8]])
    def test_probabilities(self, p):
        with pytest.raises(ValueError, match="probabilities"):
            np.random.choice(2, p=p)

    def test_probabilities_almost_1(self):
        assert np.random.choice(2, p=[0.5, 0.5 + 1e-8]) in (0, 1)

    @pytest.mark.parametrize(
        "options",
        [
            {"test_size": 10},
            {"test_size": 0},
            {"test_size": 11},
            {"test_size": 1.0},
            {"test_size": 0.0},
            {"test_size": 0.95},
            {"train_size": 6, "test_size": 5},
        ],
    )
    def test_sizes(self, options):
        with pytest.raises(ValueError):
            train_test_split(np.arange(10), **options)

    @pytest.mark.parametrize(
        ("y", "test_size", "message"),
        [
            ([0, 0, 0, 1], 2, "only 1 member"),
            ([0, 0, 1, 1, 2, 2], 2, "test_size = 2 should be greater or equal to the number of classes = 3"),
            ([0, 0, 1, 1, 2, 2], 4, "train_size = 2 should be greater or equal to the number of classes = 3"),
        ],
    )
    def test_stratification(self, y, test_size, message):
        with pytest.raises(ValueError, match=message):
            train_test_split(np.arange(len(y)), test_size=test_size, stratify=y)
