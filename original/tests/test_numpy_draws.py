"""What the random draws of the package are made of: NumPy and sklearn against a replay from 32-bit draws."""

import numpy as np
import pytest
from legacy_draws import LegacyGenerator, split, stratified_split
from sklearn.model_selection import train_test_split

SEEDS = [0, 1, 7, 42, 54003, 2**32 - 1]


@pytest.fixture(params=SEEDS)
def generator(request):
    """A replay beside NumPy's global generator, seeded alike; they must also agree on the state they end in."""
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
