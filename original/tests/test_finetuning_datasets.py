"""finetuning.datasets: order of operations, shapes, dtypes, kept quirks, real collections."""

import functools

import numpy as np
import pytest
import samplerate
import wfdb
from wfdb_files import ramp, write_record

from finetuning.datasets import _transform_records, get_challenge17_data, get_challenge20_data, get_ptb_xl_data
from transplant.datasets import physionet

normalize_in_place = functools.partial(physionet.normalize_challenge17, inplace=True)


def records_of(*lengths, fs=300):
    random = np.random.RandomState(0)
    return [wfdb.Record(p_signal=random.standard_normal((length, 1)), fs=fs) for length in lengths]


class TestTransformRecords:
    def test_normalise_then_resample_then_pad(self):
        records = records_of(600, 300)
        signals = [record.p_signal.copy() for record in records]
        x = _transform_records(records, fs=250, pad=400, normalize=normalize_in_place)
        first, second = (samplerate.resample((s - 0.0075) / 0.2373, 250 / 300) for s in signals)
        assert x.shape == (2, 400, 1)
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x[0], first[-400:])
        np.testing.assert_array_equal(x[1, -250:], second)
        assert not x[1, :-250].any()  # zeros after normalising

    def test_quirk_q33_records_are_normalised_in_place(self):
        (record,) = records = records_of(50)
        expected = physionet.normalize_challenge17(record.p_signal)
        _transform_records(records, normalize=normalize_in_place)
        np.testing.assert_array_equal(record.p_signal, expected)

    def test_quirk_q33_a_normalised_copy_is_lost_by_resampling(self):
        (record,) = records = records_of(600)
        x = _transform_records(records, fs=250, normalize=physionet.normalize_challenge17)
        np.testing.assert_array_equal(x[0], samplerate.resample(record.p_signal, 250 / 300))

    def test_pad_to_the_longest(self):
        assert _transform_records(records_of(5, 9), pad="max").shape == (2, 9, 1)

    def test_quirk_q34_unequal_lengths_without_padding(self):
        with pytest.raises(ValueError, match="inhomogeneous"):
            _transform_records(records_of(5, 9))
        assert _transform_records(records_of(5, 5)).shape == (2, 5, 1)

    def test_quirk_q34_first_record_decides_the_dtype(self):
        mixed = records_of(500, fs=250) + records_of(600)
        assert _transform_records(mixed, fs=250, pad=500).dtype == np.float64
        assert _transform_records(mixed[::-1], fs=250, pad=500).dtype == np.float32

    def test_rate_of_the_records_changes_nothing(self):
        (record,) = records = records_of(50, fs=250)
        np.testing.assert_array_equal(_transform_records(records, fs=250), [record.p_signal])


class TestGetData:
    def test_challenge17(self, tmp_path):
        for name, length in (("A", 30), ("B", 40)):
            write_record(tmp_path, name, ramp(length), fs=300)
        (tmp_path / "RECORDS").write_text("B\nA\n")
        (tmp_path / "REFERENCE.csv").write_text("A,N\nB,~\n")
        data = get_challenge17_data(tmp_path, pad="max")
        assert set(data) == {"x", "y", "record_ids", "classes"}
        assert data["x"].shape == (2, 40, 1)
        assert data["x"].dtype == np.float64
        np.testing.assert_array_equal(data["y"], [[False, True], [True, False]])
        assert data["y"].dtype == bool
        assert data["record_ids"].tolist() == ["B", "A"]
        assert data["classes"].tolist() == ["N", "~"]
        assert data["record_ids"].dtype == data["classes"].dtype == object

    def test_challenge20(self, tmp_path):
        write_record(tmp_path, "A1", ramp(60, 12), fs=500, comments=["Dx: 1,2"])
        data = get_challenge20_data(tmp_path, normalize=True)
        np.testing.assert_array_equal(data["x"][0], ramp(60, 12) / 1000 / np.array(physionet.challenge20_std))
        assert data["y"].dtype == np.int64
        assert data["record_ids"].dtype == data["classes"].dtype == object


class TestRealCollections:
    def test_challenge17_by_the_documented_recipe(self, shared_data, tmp_path):
        source = shared_data / "cinc2017"
        names = (source / "RECORDS").read_text().split()[:24]
        for name in names:
            for ending in (".hea", ".mat"):
                (tmp_path / f"{name}{ending}").symlink_to(source / f"{name}{ending}")
        (tmp_path / "RECORDS").write_text("\n".join(names) + "\n")
        (tmp_path / "REFERENCE.csv").symlink_to(source / "REFERENCE.csv")
        data = get_challenge17_data(tmp_path, fs=250, pad=16384, normalize=True)
        assert data["x"].shape == (24, 16384, 1)
        assert data["x"].dtype == np.float32
        assert data["record_ids"].tolist() == names
        np.testing.assert_array_equal(data["y"].sum(axis=1), 1)
        for x, name in zip(data["x"], names):
            record = wfdb.rdrecord(str(source / name))
            resampled = samplerate.resample((record.p_signal - 0.0075) / 0.2373, 250 / 300)
            assert len(resampled) == record.sig_len * 5 // 6
            np.testing.assert_array_equal(x[-len(resampled) :], resampled)
            assert not x[: -len(resampled)].any()

    def test_challenge20(self, shared_data):
        data = get_challenge20_data(shared_data / "challenge2020" / "cpsc2018", fs=250, pad=4096, normalize=True)
        assert data["x"].shape == (5, 4096, 12)
        assert data["x"].dtype == np.float32
        assert data["y"].sum() == 5

    def test_ptb_xl(self, shared_data):
        data = get_ptb_xl_data(shared_data / "ptbxl", fs=250, pad=2560, normalize=True)
        assert data["x"].shape == (23, 2560, 12)
        assert not data["x"][:, :60].any()
        records, _ = physionet.read_ptb_xl_data(shared_data / "ptbxl")
        for x, record in zip(data["x"], records):
            normalized = (record.p_signal - np.array(physionet.ptb_xl_mean)) / np.array(physionet.ptb_xl_std)
            np.testing.assert_array_equal(x[60:], samplerate.resample(normalized, 0.5))
        assert (data["y"].dtype, data["y"].shape) == (np.int32, (23, 12))
        assert data["record_ids"].dtype == np.int64
        assert data["classes"][:3].tolist() == ["SR", "AFIB", "STACH"]

    def test_ptb_xl_options(self, shared_data):
        data = get_ptb_xl_data(shared_data / "ptbxl", category="form", folds=[9, 10])
        assert data["x"].shape == (len(data["record_ids"]), 5000, 12)
        assert data["x"].dtype == np.float64
        assert data["y"].any(axis=1).all()
        assert data["record_ids"].tolist() == [17, 39, 170, 318]
