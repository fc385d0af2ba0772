"""transplant.datasets.icentia11k: check vectors of the generators, label rules, files, kept quirks."""

import itertools

import numpy as np
import pytest
from icentia_files import (
    NUM_SEGMENTS,
    raw_labels,
    synthetic_labels,
    synthetic_patient,
    synthetic_signal,
    write_patients,
    write_zipped_patient,
)

from transplant.datasets import icentia11k
from transplant.datasets.icentia11k import (
    _choose_random_segment,
    beat_data_generator,
    calculate_durations,
    count_labels,
    cpc_data_generator,
    flatten_raw_labels,
    get_beat_label,
    get_complete_beats,
    get_heart_rate_label,
    get_rhythm_durations,
    get_rhythm_label,
    heart_rate_data_generator,
    load_labels,
    load_patient_data,
    load_signal,
    normalize,
    random_patient_generator,
    rhythm_data_generator,
    signal_generator,
    uniform_patient_generator,
    unzip_patient_data,
)
from transplant.utils import buffered_generator

POSITIONS = np.array([100, 200, 300])
CODES = np.array([3, 4, 3])

FIRST_STARTS = [20860, 23772, 100466, 124426, 223444, 221685]


def test_constants():
    assert icentia11k.ds_segment_size == 1_048_577
    assert icentia11k.ds_frame_size == 2049
    assert icentia11k.ds_sampling_rate == 250
    np.testing.assert_array_equal(icentia11k.ds_patient_ids, np.arange(11000))
    assert list(icentia11k.ds_beat_names.values()) == ["undefined", "normal", "pac", "aberrated", "pvc"]
    assert list(icentia11k.ds_rhythm_names.values()) == ["undefined", "end", "noise", "normal", "afib", "aflut"]
    assert list(icentia11k.ds_hr_names.values()) == ["tachy", "brady", "normal", "noise"]
    for names in (icentia11k.ds_beat_names, icentia11k.ds_rhythm_names, icentia11k.ds_hr_names):
        assert list(names) == list(range(len(names)))


class TestFrameGeometry:
    @pytest.mark.parametrize(
        ("start", "end", "durations", "codes"),
        [
            (100, 300, [100, 100], [4, 3]),
            (99, 301, [1, 100, 101], [3, 4, 3]),
            (150, 160, [10], [4]),
            (150, 200, [50], [4]),
            (250, 400, [150], [3]),
            (300, 400, [100], []),
            (0, None, [100, 100, 100], [3, 4, 3]),
        ],
    )
    def test_get_rhythm_durations(self, start, end, durations, codes):
        got_durations, got_codes = get_rhythm_durations(POSITIONS, CODES, start, end)
        np.testing.assert_array_equal(got_durations, durations)
        np.testing.assert_array_equal(got_codes, codes)
        np.testing.assert_array_equal(get_rhythm_durations(POSITIONS, start=start, end=end), durations)

    @pytest.mark.parametrize(
        ("start", "end", "beats"),
        [
            (100, 300, [200, 300]),
            (99, 301, [200, 300]),
            (150, 160, []),
            (150, 200, []),
            (250, 400, []),
            (300, 400, []),
            (0, None, [200, 300]),
        ],
    )
    def test_get_complete_beats(self, start, end, beats):
        positions, codes = get_complete_beats(POSITIONS, CODES, start, end)
        np.testing.assert_array_equal(positions, beats)
        np.testing.assert_array_equal(codes, CODES[np.isin(POSITIONS, beats)])
        np.testing.assert_array_equal(get_complete_beats(POSITIONS, start=start, end=end), beats)

    @pytest.mark.parametrize("function", [get_rhythm_durations, get_complete_beats])
    @pytest.mark.parametrize(("start", "end"), [(200, 200), (201, 200), (300, None)])
    def test_empty_frame(self, function, start, end):
        with pytest.raises(ValueError, match=f"got start {start} and end"):
            function(POSITIONS, CODES, start, end)


class TestRhythmLabel:
    @pytest.mark.parametrize(
        ("durations", "codes", "label"),
        [
            ([1, 1000], [4, 3], 4),
            ([10, 5, 6], [5, 4, 4], 4),
            ([10, 5, 5], [5, 4, 4], 4),
            ([10, 10], [4, 0], 0),
            ([10, 11], [4, 5], 5),
            ([10, 20, 5], [1, 2, 3], 2),
            ([10, 10], [3, 2], 2),
            ([0, 10], [4, 3], 3),
            ([0], [3], 0),
            ([10], [6], 0),
        ],
    )
    def test_longest_of_the_first_group(self, durations, codes, label):
        got = get_rhythm_label(np.array(durations), np.array(codes))
        assert got == label
        assert type(got) is int

    def test_quirk_q16_frame_past_the_last_mark(self):
        assert get_rhythm_label(*get_rhythm_durations(POSITIONS, CODES, 300, 400)) == 0

    def test_quirk_q16_segment_without_marks(self):
        nothing = np.array([], int)
        assert get_rhythm_label(*get_rhythm_durations(nothing, nothing, 0, 512)) == 0

    def test_list_of_codes(self):
        assert get_rhythm_label(np.array([10]), [4]) == 0


class TestBeatLabel:
    @pytest.mark.parametrize(
        ("codes", "label"),
        [
            ([1, 1, 1, 4], 4),
            ([2, 3, 3], 3),
            ([4, 3, 2], 2),
            ([0, 1, 1], 1),
            ([1, 0], 0),
            ([5, 6, 6, 1], 1),
            ([7], 0),
        ],
    )
    def test_most_frequent_of_the_first_group(self, codes, label):
        got = get_beat_label(np.array(codes))
        assert got == label
        assert type(got) is int

    def test_no_beats(self):
        assert get_beat_label(np.array([], int)) == 0
        with pytest.raises(TypeError):
            get_beat_label(np.array([]))


class TestHeartRateLabel:
    TACHY, BRADY, NORMAL, NOISE = 0, 1, 2, 3

    @pytest.mark.parametrize(("interval", "label"), [(251, BRADY), (249, NORMAL), (151, NORMAL), (149, TACHY)])
    def test_limits(self, interval, label):
        got = get_heart_rate_label(np.arange(5) * interval, fs=250)
        assert got == label
        assert type(got) is int

    def test_quirk_q15_slow_is_brady(self):
        assert get_heart_rate_label(np.array([0.0, 2.0])) == self.BRADY
        assert icentia11k.ds_hr_names[get_heart_rate_label(np.array([0.0, 2.0]))] == "brady"

    @pytest.mark.parametrize("positions", [[], [100]])
    def test_fewer_than_two_beats(self, positions):
        assert get_heart_rate_label(np.array(positions), fs=250) == self.NOISE

    def test_rounding_decides_at_100_bpm(self):
        tachy = [n for n in range(1, 30) if get_heart_rate_label(np.arange(n + 1) * 150, fs=250) == self.TACHY]
        assert tachy == [10, 11, 12, 13, 14, 15, 20, 21, 22, 23, 26]

    def test_equal_positions(self):
        assert get_heart_rate_label(np.array([7, 7]), fs=250) == self.TACHY


class TestCounting:
    LABELS = [(np.array([100, 300]), np.array([0, 2])), (np.array([50]), np.array([2]))]

    def test_count_labels(self):
        np.testing.assert_array_equal(count_labels(self.LABELS, 4), [[1, 0, 1, 0], [0, 0, 1, 0]])

    def test_count_labels_with_a_code_too_large_in_one_segment(self):
        with pytest.raises(ValueError, match="inhomogeneous"):
            count_labels([self.LABELS[0], (np.array([1]), np.array([5]))], 4)

    def test_calculate_durations(self):
        durations = calculate_durations(self.LABELS, 3)
        np.testing.assert_array_equal(durations, [[100, 0, 200], [0, 0, 50]])
        assert durations.dtype == np.int32


class TestNormalize:
    def test_float64(self):
        np.testing.assert_array_equal(normalize(np.array([0.0018, 1.3729])), [0, (1.3729 - 0.0018) / 1.3711])

    def test_float32_stays_and_every_step_is_rounded(self):
        x = np.linspace(-3, 3, 1000, dtype=np.float32)
        normalized = normalize(x)
        assert normalized.dtype == np.float32
        np.testing.assert_array_equal(normalized, (x - np.float32(0.0018)) / np.float32(1.3711))

    def test_integers_become_float64(self):
        assert normalize(np.array([1, 2])).dtype == np.float64

    def test_in_place(self):
        x = np.ones(3, np.float32)
        expected = normalize(x)
        assert normalize(x, inplace=True) is x
        np.testing.assert_array_equal(x, expected)

    def test_in_place_on_integers(self):
        with pytest.raises(TypeError, match="Cannot cast"):
            normalize(np.array([1, 2]), inplace=True)


@pytest.mark.usefixtures("seed_42")
class TestFrameGenerators:
    @pytest.mark.parametrize(
        ("generator", "options", "expected"),
        [
            (rhythm_data_generator, {}, zip(FIRST_STARTS, [4, 1, 3, 0, 1, 4])),
            (beat_data_generator, {}, zip(FIRST_STARTS, [0, 2, 0, 2, 2, 1])),
            (heart_rate_data_generator, {}, zip(FIRST_STARTS, [0] * 6)),
            (
                heart_rate_data_generator,
                {"label_frame_size": 1024},
                zip([23763, 1550, 121351, 103348, 222425, 221494], [0] * 6),
            ),
            (heart_rate_data_generator, {"label_frame_size": 150}, zip(FIRST_STARTS, [3] * 6)),
        ],
        ids=["rhythm", "beat", "heart rate", "heart rate 1024", "heart rate 150"],
    )
    def test_check_vectors(self, synthetic_patients, generator, options, expected):
        items = list(generator(synthetic_patients, frame_size=512, samples_per_patient=2, **options))
        assert [(x[0, 0], y) for x, y in items] == list(expected)
        for x, y in items:
            np.testing.assert_array_equal(x, x[0] + np.arange(512)[:, np.newaxis])
            assert type(y) is int

    def test_signal_check_vector(self):
        patients = [(patient_id, (synthetic_signal(patient_id), None)) for patient_id in range(3)]
        frames = list(signal_generator(patients, frame_size=512, samples_per_patient=2))
        assert [x[0, 0] for x in frames] == FIRST_STARTS
        assert {x.shape for x in frames} == {(512, 1)}

    @pytest.mark.parametrize(
        "generator", [rhythm_data_generator, beat_data_generator, heart_rate_data_generator, signal_generator]
    )
    def test_one_frame_of_2048_per_patient_by_default(self, synthetic_patients, generator):
        items = list(generator(synthetic_patients))
        assert len(items) == 3
        assert items[0][0].shape == (2048, 1) if generator is not signal_generator else items[0].shape == (2048, 1)

    def test_dtype_of_the_signal_is_kept(self):
        patient = (0, (synthetic_signal(0).astype(np.float16), None))
        assert next(signal_generator([patient], 512)).dtype == np.float16

    def test_quirk_q17_last_start_is_never_drawn(self):
        patient = (0, (np.arange(20.0).reshape(2, 10), None))
        starts = {int(x[0, 0]) % 10 for x in signal_generator([patient], 8, 200)}
        assert starts == {0, 1}

    @pytest.mark.parametrize(
        ("generator", "options"),
        [
            (rhythm_data_generator, {"frame_size": 5000}),
            (beat_data_generator, {"frame_size": 5000}),
            (signal_generator, {"frame_size": 5001}),
            (heart_rate_data_generator, {"frame_size": 512, "label_frame_size": 5000}),
        ],
    )
    def test_quirk_q17_segment_not_longer_than_the_frame(self, synthetic_patients, generator, options):
        with pytest.raises(ValueError, match="segments must be longer than the 500. samples to take, got 5000"):
            next(generator(synthetic_patients, **options))

    def test_quirk_q22_odd_frame_is_one_sample_short(self, synthetic_patients):
        x, _ = next(heart_rate_data_generator(synthetic_patients, frame_size=511))
        assert x.shape == (510, 1)

    @pytest.mark.parametrize(("num_marks", "label"), [(2, 3), (3, 1)], ids=["noise", "brady"])
    def test_quirk_q22_three_marks_make_a_rate(self, num_marks, label):
        marks = 100 + 300 * np.arange(num_marks)
        patient = (0, (np.zeros((1, 1025)), {"btype": [(marks, np.ones(num_marks, int))]}))
        _, y = next(heart_rate_data_generator([patient], frame_size=1024))
        assert y == label

    def test_labels_are_read_once_per_patient(self):
        signal, labels = synthetic_patient(0)[1]
        accesses = []

        class LazyLabels:
            def __getitem__(self, name):
                accesses.append(name)
                return labels[name]

        list(rhythm_data_generator([(0, (signal, LazyLabels()))], 512, samples_per_patient=5))
        assert accesses == ["rtype"]


@pytest.mark.usefixtures("seed_42")
class TestCpcDataGenerator:
    def test_no_frames_of_context(self, synthetic_patients):
        x, _ = next(cpc_data_generator([list(synthetic_patients)], 0, 2, frame_size=256))
        assert (x["context"].dtype, x["context"].shape, x["samples"].shape) == (np.float64, (0,), (3, 256, 1))

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (
                {},
                [
                    ([20860, 21116, 21372], [13092, 110466, 21628], 2),
                    ([2135, 2391, 2647], [2903, 20130, 1685], 0),
                    ([221515, 221771, 222027], [221184, 222283, 104555], 1),
                    ([200747, 201003, 201259], [102558, 202047, 201515], 2),
                ],
            ),
            (
                {"context_overlap": 64, "positive_offset": 1, "ns_same_segment_prob": 0.9},
                [
                    ([20860, 21052, 21244], [23092, 20466, 21692], 2),
                    ([2135, 2327, 2519], [2967, 130, 1685], 0),
                    ([221515, 221707, 221899], [221184, 222347, 104555], 1),
                    ([200747, 200939, 201131], [112558, 202047, 201579], 2),
                ],
            ),
        ],
        ids=["plain", "overlap, offset, same segment"],
    )
    def test_check_vectors(self, synthetic_patients, options, expected):
        buffers = buffered_generator(iter(synthetic_patients), 2)
        items = list(cpc_data_generator(buffers, 3, 2, frame_size=256, samples_per_patient=2, **options))
        assert [(x["context"][:, 0, 0].tolist(), x["samples"][:, 0, 0].tolist(), y) for x, y in items] == expected
        for x, y in items:
            assert x["context"].shape == x["samples"].shape == (3, 256, 1)
            for frame in (*x["context"], *x["samples"]):
                np.testing.assert_array_equal(frame, frame[0] + np.arange(256)[:, np.newaxis])
            assert type(y) is int

    def test_quirk_q23_overlap_reaches_into_the_positive_sample(self, synthetic_patients):
        x, y = next(cpc_data_generator([synthetic_patients], 3, 1, frame_size=256, context_overlap=64))
        np.testing.assert_array_equal(x["context"][-1, -64:], x["samples"][y, :64])

    def test_quirk_q24_probability_0_draws_from_all_segments(self, synthetic_patients):
        def items(**options):
            np.random.seed(7)
            generator = cpc_data_generator([synthetic_patients], 2, 8, 64, samples_per_patient=5, **options)
            return [x["samples"][:, 0, 0].tolist() for x, _ in generator]

        assert items(ns_same_segment_prob=0) == items() != items(ns_same_segment_prob=0.5)

    def test_probability_1_stays_in_the_segment(self, synthetic_patients):
        x, _ = next(cpc_data_generator([synthetic_patients], 2, 20, 64, ns_same_segment_prob=1))
        assert len(set(x["samples"][:, 0, 0] // 10000)) == 1

    def test_quirk_q17_segment_too_short(self, synthetic_patients):
        with pytest.raises(ValueError, match="longer than the 5000 samples to take, got 5000"):
            next(cpc_data_generator([synthetic_patients], 8, 1, frame_size=500, positive_offset=1))


@pytest.mark.usefixtures("seed_42")
class TestChooseRandomSegment:
    def patients(self, *segment_counts):
        return [(index, (np.zeros((count, 10)), None)) for index, count in enumerate(segment_counts)]

    def test_one_draw_is_a_tuple_of_integers(self):
        chosen = _choose_random_segment(self.patients(2, 3))
        assert chosen == (0, 1)  # 0.3745 of 5 segments
        assert all(isinstance(index, np.integer) for index in chosen)

    def test_every_segment_of_every_patient_can_come(self):
        chosen = _choose_random_segment(self.patients(1, 3, 2), size=200)
        assert set(chosen) == {(0, 0), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1)}

    def test_given_probability(self):
        chosen = _choose_random_segment(self.patients(1, 3), size=1000, segment_p=(1, 1, 0.7))
        assert 650 < chosen.count((1, 1)) < 750

    def test_no_patients(self):
        with pytest.raises(TypeError):
            _choose_random_segment([])
        with pytest.raises(IndexError):
            _choose_random_segment([], segment_p=(0, 0, 0.5))

    def test_quirk_q25_wrong_index(self):
        with pytest.raises(IndexError):
            _choose_random_segment(self.patients(1, 3), segment_p=(1, 3, 0.7))
        with pytest.raises(IndexError):
            _choose_random_segment(self.patients(1, 3), segment_p=(3, 0, 0.7))

    def test_quirk_q25_wrong_probability(self):
        with pytest.raises(ValueError, match="probabilities are not non-negative"):
            _choose_random_segment(self.patients(1, 3), segment_p=(0, 0, 1.5))

    def test_quirk_q25_single_segment(self):
        assert _choose_random_segment(self.patients(1), size=2, segment_p=(0, 0, 1)) == [(0, 0), (0, 0)]
        with pytest.raises(ValueError, match="probabilities do not sum to 1"):
            _choose_random_segment(self.patients(1), segment_p=(0, 0, 0.5))


@pytest.mark.usefixtures("seed_42")
class TestPatientGenerators:
    def ids(self, generator, count):
        return [int(patient_id) for patient_id, _ in itertools.islice(generator, count)]

    def test_uniform_orders_compound(self, icentia_unzipped):
        generator = uniform_patient_generator(icentia_unzipped, range(5), include_labels=False, unzipped=True)
        assert self.ids(generator, 15) == [1, 4, 2, 0, 3, 0, 4, 2, 1, 3, 4, 0, 1, 3, 2]

    def test_uniform_shuffles_a_copy_when_the_first_id_is_requested(self, icentia_unzipped):
        patient_ids = np.arange(5)
        generator = uniform_patient_generator(icentia_unzipped, patient_ids, include_labels=False, unzipped=True)
        assert np.random.randint(3) == 2  # the first draw after seed 42, so nothing has been drawn before
        next(generator)
        np.testing.assert_array_equal(patient_ids, np.arange(5))

    def test_uniform_in_order_draws_nothing(self, icentia_unzipped):
        generator = uniform_patient_generator(icentia_unzipped, [3, 1], shuffle=False, unzipped=True)
        assert self.ids(generator, 5) == [3, 1, 3, 1, 3]
        assert np.random.randint(3) == 2

    def test_uniform_single_pass(self, icentia_zipped):
        patients = list(uniform_patient_generator(icentia_zipped, [2, 4], repeat=False, shuffle=False))
        assert [patient_id for patient_id, _ in patients] == [2, 4]
        signal, labels = patients[1][1]
        np.testing.assert_array_equal(signal, synthetic_signal(4))
        np.testing.assert_array_equal(labels["btype"][2][0], synthetic_labels()["btype"][2][0])

    def test_uniform_without_labels(self, icentia_zipped):
        _, (_, labels) = next(uniform_patient_generator(icentia_zipped, [0], include_labels=False))
        assert labels is None

    def test_quirk_q26_no_ids_raises_instead_of_looping(self, icentia_zipped):
        with pytest.raises(ValueError, match="no patient ids to repeat"):
            next(uniform_patient_generator(icentia_zipped, []))
        assert list(uniform_patient_generator(icentia_zipped, [], repeat=False)) == []

    def test_random(self, icentia_unzipped):
        generator = random_patient_generator(icentia_unzipped, range(5), include_labels=False, unzipped=True)
        assert self.ids(generator, 10) == [3, 4, 2, 4, 4, 1, 2, 2, 2, 4]

    def test_random_with_weights(self, icentia_unzipped):
        weights = [0.1, 0.2, 0.3, 0.2, 0.2]
        generator = random_patient_generator(icentia_unzipped, range(5), weights, include_labels=False, unzipped=True)
        assert self.ids(generator, 10) == [2, 4, 3, 2, 1, 1, 0, 4, 3, 3]

    def test_random_draws_1024_ids_at_once(self, icentia_unzipped):
        next(random_patient_generator(icentia_unzipped, range(5), [0.2] * 5, include_labels=False, unzipped=True))
        after = np.random.random_sample()
        np.random.seed(42)
        assert after == np.random.random_sample(1025)[-1]


class TestFiles:
    def test_zipped(self, icentia_zipped):
        signal, labels = load_patient_data(icentia_zipped, 3)
        np.testing.assert_array_equal(signal, synthetic_signal(3))
        assert_labels_equal(labels, synthetic_labels())

    def test_unzipped(self, icentia_unzipped):
        signal, labels = load_patient_data(icentia_unzipped, 3, unzipped=True)
        np.testing.assert_array_equal(signal, synthetic_signal(3))
        assert_labels_equal(labels, synthetic_labels())

    def test_raw_labels(self, icentia_zipped):
        raw = load_labels(icentia_zipped, 0, flatten=False)
        assert len(raw) == NUM_SEGMENTS
        np.testing.assert_array_equal(raw[1]["rtype"][4], [2500])

    def test_quirk_q20_unzipped_labels_are_an_open_lazy_file(self, icentia_unzipped):
        labels = load_labels(icentia_unzipped, 0, unzipped=True)
        assert labels["btype"] is not labels["btype"]
        assert not labels.zip.fp.closed

    def test_memory_map(self, icentia_unzipped):
        assert isinstance(load_signal(icentia_unzipped, 0, unzipped=True, mmap_mode="r"), np.memmap)

    @pytest.mark.parametrize("unzipped", [False, True])
    @pytest.mark.parametrize("load", [load_signal, load_labels])
    def test_quirk_q21_missing_patient(self, icentia_zipped, load, unzipped):
        with pytest.raises(FileNotFoundError, match="00077_batched"):
            load(icentia_zipped, 77, unzipped=unzipped)

    @pytest.mark.parametrize("fewer_marks", [0, 7], ids=["equally many marks", "quirk Q18: different numbers"])
    def test_unzip(self, tmp_path, fewer_marks):
        labels = synthetic_labels()
        positions, codes = labels["btype"][1]
        labels["btype"][1] = (positions[fewer_marks:], codes[fewer_marks:])
        write_zipped_patient(tmp_path, 12, labels=labels)
        (tmp_path / "out").mkdir()
        unzip_patient_data(tmp_path, 12, tmp_path / "out")
        assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
            "00012_batched.npy",
            "00012_batched_lbls.npz",
        ]
        signal, unzipped = load_patient_data(tmp_path / "out", 12, unzipped=True)
        np.testing.assert_array_equal(signal, synthetic_signal(12))
        assert_labels_equal(unzipped, labels)
        assert unzipped["btype"].dtype == (object if fewer_marks else int)
        assert unzipped["btype"].shape == ((3, 2) if fewer_marks else (3, 2, 50))

    def test_unzip_to_the_current_folder(self, tmp_path, monkeypatch, icentia_zipped):
        monkeypatch.chdir(tmp_path)
        unzip_patient_data(icentia_zipped, 0)
        assert (tmp_path / "00000_batched_lbls.npz").is_file()

    @pytest.mark.usefixtures("seed_42")
    def test_storages_give_the_same_frames(self, tmp_path):
        zipped = write_patients(tmp_path / "zipped", [0])
        unzip_patient_data(zipped, 0, tmp_path)

        def frames(db_dir, unzipped):
            np.random.seed(1)
            patients = uniform_patient_generator(db_dir, [0], repeat=False, unzipped=unzipped)
            return [(x[0, 0], y) for x, y in beat_data_generator(patients, 512, 50)]

        assert frames(zipped, False) == frames(tmp_path, True)


class TestFlattenRawLabels:
    def test_inverse_of_the_distributed_form(self):
        assert_labels_equal(flatten_raw_labels(raw_labels(synthetic_labels())), synthetic_labels())

    def test_sorted_by_position(self):
        labels = flatten_raw_labels([{"btype": [np.array([5, 30]), np.array([10])], "rtype": [np.array([1])]}])
        np.testing.assert_array_equal(labels["btype"][0], [[5, 10, 30], [0, 1, 0]])
        assert labels["size"] == 1

    def test_quirk_q19_equal_positions_keep_the_order_of_codes(self):
        positions = np.repeat(np.arange(0, 200, 10), 5)
        raw = {"btype": [positions[code::5] for code in range(5)], "rtype": [positions]}
        got_positions, codes = flatten_raw_labels([raw])["btype"][0]
        np.testing.assert_array_equal(got_positions, positions)
        np.testing.assert_array_equal(codes, np.tile(np.arange(5), 20))

    def test_no_codes(self):
        with pytest.raises(ValueError, match="need at least one array"):
            flatten_raw_labels([{"btype": [], "rtype": [np.array([1])]}])

    def test_empty_lists_give_float_positions(self):
        positions, codes = flatten_raw_labels([{"btype": [[], []], "rtype": [[]]}])["btype"][0]
        assert positions.dtype == np.float64
        assert codes.dtype == np.int64


class TestDistributedLabels:
    """Label files of patients 0 and 16 as the authors of the collection first distributed them."""

    @pytest.mark.parametrize(
        ("patient_id", "beats", "rhythms"),
        [
            (0, [9610, 273100, 2, 0, 0], [0, 0, 9610, 273102, 0, 0]),
            (16, [22937, 229213, 301, 0, 459], [0, 0, 22937, 225704, 4269, 0]),
        ],
    )
    def test_load_labels(self, shared_data, patient_id, beats, rhythms):
        labels = load_labels(shared_data / "icentia11k" / "pickle_labels", patient_id)
        assert labels["size"] == 50
        np.testing.assert_array_equal(count_labels(labels["btype"], 5).sum(axis=0), beats)
        np.testing.assert_array_equal(count_labels(labels["rtype"], 6).sum(axis=0), rhythms)
        assert calculate_durations(labels["rtype"], 6).sum() == sum(marks[-1] for marks, _ in labels["rtype"])
        for positions, _ in labels["btype"]:
            assert np.diff(positions).min() > 0


def assert_labels_equal(labels, expected):
    assert labels["size"] == expected["size"]
    for kind in ("btype", "rtype"):
        assert len(labels[kind]) == len(expected[kind])
        for (positions, codes), (expected_positions, expected_codes) in zip(labels[kind], expected[kind]):
            np.testing.assert_array_equal(positions, expected_positions)
            np.testing.assert_array_equal(codes, expected_codes)
