"""transplant.datasets.physionet: readers, resampling, normalisation, kept quirks."""

import numpy as np
import pandas as pd
import pytest
import samplerate
import wfdb
from wfdb_files import ramp, write_record

from transplant.datasets import physionet
from transplant.datasets.physionet import (
    normalize_challenge17,
    normalize_challenge20,
    normalize_ptb_xl,
    read_challenge17_data,
    read_challenge20_data,
    read_ptb_xl_data,
    resample_records,
)

RHYTHMS = ["SR", "AFIB", "STACH", "SARRH", "SBRAD", "PACE", "SVARR", "BIGU", "AFLT", "SVTAC", "PSVT", "TRIGU"]


def record_of(num_samples, fs, num_leads=1):
    signal = np.random.RandomState(0).standard_normal((num_samples, num_leads))
    return wfdb.Record(p_signal=signal, fs=fs)


def test_constants_have_one_number_per_lead():
    for name in ("challenge20_mean", "challenge20_std", "ptb_xl_mean", "ptb_xl_std"):
        assert len(getattr(physionet, name)) == 12
    assert (physionet.challenge17_mean, physionet.challenge17_std) == (0.0075, 0.2373)
    assert physionet.challenge20_mean == [0] * 12
    assert sum(physionet.challenge20_std) == pytest.approx(4.0572, abs=1e-12)
    assert sum(physionet.ptb_xl_mean) == pytest.approx(-0.009, abs=1e-12)
    assert sum(physionet.ptb_xl_std) == pytest.approx(2.7436, abs=1e-12)


class TestChallenge17:
    @pytest.fixture
    def db_dir(self, tmp_path):
        for index, name in enumerate(["B", "A", "C", "D"]):
            write_record(tmp_path, name, ramp(10 + index), fs=300)
        (tmp_path / "RECORDS").write_text("B\nA\nmissing\nC\n")
        (tmp_path / "REFERENCE.csv").write_text("A,N\nB,~\nC,N\nD,A\n")
        return tmp_path

    def test_order_of_records_and_labels(self, db_dir):
        records, labels = read_challenge17_data(db_dir)
        assert [record.record_name for record in records] == labels.index.tolist() == ["B", "A", "C"]
        assert labels.index.name == "record_name"
        assert labels.columns.tolist() == ["N", "~"]
        np.testing.assert_array_equal(labels, [[False, True], [True, False], [True, False]])
        np.testing.assert_array_equal(records[0].p_signal, ramp(10) / 1000)
        assert records[0].p_signal.dtype == np.float64
        assert records[0].fs == 300

    def test_quirk_q27_labels_are_bool_and_only_those_present(self, db_dir):
        _, labels = read_challenge17_data(db_dir)
        assert set(labels.dtypes) == {np.dtype(bool)}
        assert "A" not in labels.columns  # only the record D has it, which is not in RECORDS

    def test_names_that_all_are_numbers_are_refused(self, tmp_path):
        write_record(tmp_path, "007", ramp(5), fs=300)
        (tmp_path / "RECORDS").write_text("007\n")
        (tmp_path / "REFERENCE.csv").write_text("007,1\n")
        with pytest.raises(TypeError):
            read_challenge17_data(tmp_path)

    def test_names_and_labels_are_text_where_one_name_is_no_number(self, tmp_path):
        for name in ("007", "A1"):
            write_record(tmp_path, name, ramp(5), fs=300)
        (tmp_path / "RECORDS").write_text("007\nA1\n")
        (tmp_path / "REFERENCE.csv").write_text("007,1\nA1,1\n")
        records, labels = read_challenge17_data(tmp_path)
        assert [record.record_name for record in records] == ["007", "A1"]
        assert labels.columns.tolist() == ["1"]

    @pytest.mark.parametrize("name", ["RECORDS", "REFERENCE.csv"])
    def test_missing_file(self, db_dir, name):
        (db_dir / name).unlink()
        with pytest.raises(ValueError, match=f"{name} is missing in"):
            read_challenge17_data(db_dir)

    def test_missing_record(self, db_dir):
        (db_dir / "A.hea").unlink()
        with pytest.raises(FileNotFoundError, match="A.hea"):
            read_challenge17_data(db_dir)

    def test_real_collection(self, shared_data):
        records, labels = read_challenge17_data(shared_data / "cinc2017")
        assert labels.sum().to_dict() == {"A": 200, "N": 480, "O": 260, "~": 60}
        assert labels.index[:3].tolist() == ["A00009", "A00010", "A00011"]
        assert [record.record_name for record in records] == labels.index.tolist()
        assert {record.fs for record in records} == {300}
        assert all(record.p_signal.shape == (record.sig_len, 1) for record in records)


class TestChallenge20:
    def test_labels(self, tmp_path):
        write_record(tmp_path, "A2", ramp(5, 12), fs=500, comments=["Age: 50", "Dx: 9,  10", "Rx: Unknown"])
        write_record(tmp_path, "A1", ramp(6, 12), fs=500, comments=["Dx:9"])
        records, labels = read_challenge20_data(tmp_path)
        assert [record.record_name for record in records] == labels.index.tolist() == ["A1", "A2"]
        assert labels.columns.tolist() == ["10", "9"]  # sorted as text
        np.testing.assert_array_equal(labels, [[0, 1], [1, 1]])
        assert set(labels.dtypes) == {np.dtype(np.int64)}
        assert records[0].p_signal.shape == (6, 12)

    def test_quirk_q28_records_come_by_name_whatever_the_folder_lists(self, tmp_path, monkeypatch):
        for name in ("A1", "A2", "A3"):
            write_record(tmp_path, name, ramp(5), fs=500, comments=[f"Dx: {name}"])
        monkeypatch.setattr(physionet.os, "listdir", lambda _: ["A3.mat", "A1.mat", "A1.hea", "A2.mat"])
        assert read_challenge20_data(tmp_path)[1].index.tolist() == ["A1", "A2", "A3"]

    def test_quirk_q28_neither_one_label_line_nor_one_per_record(self, tmp_path):
        write_record(tmp_path, "A1", ramp(5), fs=500, comments=["Dx: 1"])
        write_record(tmp_path, "A2", ramp(5), fs=500, comments=["Dx: 1", "Dx: 2"])
        with pytest.raises(ValueError):
            read_challenge20_data(tmp_path)

    def test_quirk_q28_one_label_line_holds_for_every_record(self, tmp_path):
        write_record(tmp_path, "A1", ramp(5), fs=500, comments=["Dx: 1"])
        write_record(tmp_path, "A2", ramp(5), fs=500)
        _, labels = read_challenge20_data(tmp_path)
        assert labels.to_dict() == {"1": {"A1": 1, "A2": 1}}

    def test_quirk_q28_labels_shift_where_the_numbers_agree(self, tmp_path):
        write_record(tmp_path, "A1", ramp(5), fs=500)
        write_record(tmp_path, "A2", ramp(5), fs=500, comments=["Dx: 1", "Dx: 2"])
        _, labels = read_challenge20_data(tmp_path)
        np.testing.assert_array_equal(labels.loc["A1"], [1, 0])

    def test_real_cpsc2018(self, shared_data):
        records, labels = read_challenge20_data(shared_data / "challenge2020" / "cpsc2018")
        assert labels.index.tolist() == ["A0001", "A0002", "A0003", "A0004", "A0005"]
        assert labels.sum().to_dict() == {"164884008": 1, "164889003": 2, "426783006": 1, "59118001": 1}
        assert [record.p_signal.shape for record in records[:2]] == [(7500, 12), (5000, 12)]
        assert {record.fs for record in records} == {500}

    def test_real_records_with_several_labels(self, shared_data):
        _, labels = read_challenge20_data(shared_data / "challenge2020" / "labelled")
        assert labels.shape == (13, 20)
        assert labels.columns[labels.loc["HR06000"] == 1].tolist() == ["164934002", "426783006"]

    def test_record_name_with_an_extension_is_refused_by_wfdb(self, shared_data):
        with pytest.raises(wfdb.io.header.HeaderSyntaxError):
            read_challenge20_data(shared_data / "challenge2020" / "recordname_quirk")


class TestPtbXl:
    @pytest.fixture
    def db_dir(self, tmp_path):
        for ecg_id in (4, 2, 9):
            write_record(tmp_path, f"{ecg_id}_lr", ramp(10, 12, ecg_id), fs=100)
            write_record(tmp_path, f"{ecg_id}_hr", ramp(50, 12, ecg_id), fs=500)
        pd.DataFrame(
            {
                "ecg_id": [4, 2, 9],
                "scp_codes": ["{'NORM': 100.0, 'SR': 0.0}", "{'NORM': 50.0}", "{'AFIB': 0.0, 'SR': 100.0}"],
                "strat_fold": [1, 2, 3],
                "filename_lr": ["4_lr", "2_lr", "9_lr"],
                "filename_hr": ["4_hr", "2_hr", "9_hr"],
            }
        ).to_csv(tmp_path / "ptbxl_database.csv", index=False)
        (tmp_path / "scp_statements.csv").write_text(",diagnostic,rhythm\nNORM,1.0,\nSR,,1.0\nAFIB,,1.0\n")
        return tmp_path

    def test_rhythm(self, db_dir):
        records, labels = read_ptb_xl_data(db_dir)
        assert labels.index.tolist() == [4, 9]
        assert labels.index.name == "ecg_id"
        assert labels.columns.tolist() == ["SR", "AFIB"]
        assert set(labels.dtypes) == {np.dtype(np.int32)}
        assert [record.record_name for record in records] == [4, 9]
        np.testing.assert_array_equal(records[1].p_signal, ramp(50, 12, 9) / 1000)
        assert records[0].fs == 500

    def test_quirk_q56_likelihood_0_counts(self, db_dir):
        _, labels = read_ptb_xl_data(db_dir)
        np.testing.assert_array_equal(labels, [[1, 0], [1, 1]])

    def test_low_rate(self, db_dir):
        records, _ = read_ptb_xl_data(db_dir, fs="lr")
        assert records[0].fs == 100
        assert records[0].p_signal.shape == (10, 12)

    def test_category(self, db_dir):
        _, labels = read_ptb_xl_data(db_dir, category="diagnostic")
        assert labels.columns.tolist() == ["NORM"]
        assert labels.index.tolist() == [4, 2]

    def test_records_without_labels(self, db_dir):
        records, labels = read_ptb_xl_data(db_dir, remove_empty=False)
        assert labels.index.tolist() == [4, 2, 9]
        np.testing.assert_array_equal(labels.loc[2], [0, 0])
        assert len(records) == 3

    @pytest.mark.parametrize(
        ("folds", "ids"), [([3], [9]), ([1, 3], [4, 9]), ([2], []), ([], [4, 9]), (None, [4, 9]), (np.array([3]), [9])]
    )
    def test_folds(self, db_dir, folds, ids):
        records, labels = read_ptb_xl_data(db_dir, folds=folds)
        assert labels.index.tolist() == ids
        assert len(records) == len(ids)

    def test_unknown_rate_is_reported_first(self):
        with pytest.raises(ValueError, match="fs must be 'lr' .* or 'hr' .*, got 500"):
            read_ptb_xl_data("no such folder", fs=500)

    @pytest.mark.parametrize("name", ["ptbxl_database.csv", "scp_statements.csv"])
    def test_missing_file(self, db_dir, name):
        (db_dir / name).unlink()
        with pytest.raises(ValueError, match=f"{name} is missing in"):
            read_ptb_xl_data(db_dir)

    @pytest.mark.parametrize(("fs", "rate", "num_samples"), [("lr", 100, 1000), ("hr", 500, 5000)])
    def test_real_collection(self, shared_data, fs, rate, num_samples):
        records, labels = read_ptb_xl_data(shared_data / "ptbxl", fs=fs)
        assert labels.columns.tolist() == RHYTHMS
        assert labels.sum()[lambda counts: counts > 0].to_dict() == {"SR": 18, "AFIB": 3, "STACH": 2, "AFLT": 1}
        assert {(record.fs, record.p_signal.shape) for record in records} == {(rate, (num_samples, 12))}
        assert [record.record_name for record in records] == labels.index.tolist()

    def test_real_folds(self, shared_data):
        _, labels = read_ptb_xl_data(shared_data / "ptbxl", fs="lr", folds=[9, 10])
        assert labels.index.tolist() == [9, 17, 30, 39, 170, 180, 195, 318, 461]


@pytest.mark.parametrize("read", [read_challenge17_data, read_challenge20_data, read_ptb_xl_data])
def test_no_such_folder(read, tmp_path):
    with pytest.raises(ValueError, match="is not a folder"):
        read(tmp_path / "nowhere")


class TestResampleRecords:
    @pytest.mark.parametrize(
        ("num_samples", "source", "target", "expected"),
        [
            (9000, 300, 250, 7500),
            (2714, 300, 250, 2261),
            (18286, 300, 250, 15238),
            (5000, 500, 250, 2500),
            (1001, 500, 250, 500),
            (1003, 1000, 250, 250),
            (1542, 257, 250, 1500),
            (750, 250, 300, 899),
            (2650, 250, 300, 3179),
            (3908, 977, 250, 999),
            (4885, 977, 250, 1249),
        ],
    )
    def test_length_is_what_libsamplerate_produces(self, num_samples, source, target, expected):
        (signal,) = resample_records([record_of(num_samples, source)], target)
        assert signal.shape == (expected, 1)
        assert signal.dtype == np.float32

    def test_target_rate_leaves_the_signal_alone(self):
        record = record_of(100, 250)
        (signal,) = resample_records([record], 250)
        assert signal is record.p_signal

    def test_leads_are_independent(self):
        record = record_of(2000, 500, num_leads=12)
        (signal,) = resample_records([record], 250)
        for lead in range(12):
            alone = wfdb.Record(p_signal=record.p_signal[:, lead : lead + 1], fs=500)
            np.testing.assert_array_equal(resample_records([alone], 250)[0][:, 0], signal[:, lead])

    def test_converter(self):
        record = record_of(2000, 500)
        (signal,) = resample_records([record], 250)
        np.testing.assert_array_equal(signal, samplerate.resample(record.p_signal, 0.5, "sinc_best"))
        assert (signal != samplerate.resample(record.p_signal, 0.5, "sinc_medium")).any()

    def test_best_sinc_keeps_the_pass_band(self):
        t = np.arange(5000) / 500
        record = wfdb.Record(p_signal=np.sin(2 * np.pi * 100 * t)[:, np.newaxis], fs=500)
        (signal,) = resample_records([record], 250)
        middle = slice(250, -250)  # away from the ringing at both ends
        np.testing.assert_allclose(signal[middle, 0], np.sin(2 * np.pi * 100 * t[::2])[middle], atol=2e-5)

    def test_real_records_of_challenge_17(self, shared_data):
        records = [wfdb.rdrecord(str(file.with_suffix(""))) for file in sorted(shared_data.glob("cinc2017/*.mat"))[:40]]
        for record, signal in zip(records, resample_records(records, 250)):
            assert len(signal) == record.sig_len * 250 // 300


class TestNormalize:
    @pytest.mark.parametrize(
        ("normalize", "mean", "std"),
        [
            (normalize_challenge17, 0.0075, 0.2373),
            (normalize_challenge20, physionet.challenge20_mean, physionet.challenge20_std),
            (normalize_ptb_xl, physionet.ptb_xl_mean, physionet.ptb_xl_std),
        ],
    )
    def test_per_lead(self, normalize, mean, std):
        x = np.random.RandomState(0).standard_normal((20, np.size(mean)))
        expected = (x - np.array(mean)) / np.array(std)
        np.testing.assert_array_equal(normalize(x), expected)
        assert normalize(x, inplace=True) is x
        np.testing.assert_array_equal(x, expected)

    def test_single_lead_float32_stays_float32(self):
        assert normalize_challenge17(np.ones((5, 1), np.float32)).dtype == np.float32

    def test_twelve_lead_float32(self):
        x = np.random.RandomState(0).standard_normal((500, 12)).astype(np.float32)
        mean, std = np.array(physionet.ptb_xl_mean), np.array(physionet.ptb_xl_std)
        normalized = normalize_ptb_xl(x)
        assert normalized.dtype == np.float64
        np.testing.assert_array_equal(normalized, (x.astype(np.float64) - mean) / std)
        stored = (x.astype(np.float64) - mean).astype(np.float32)
        expected = (stored.astype(np.float64) / std).astype(np.float32)
        np.testing.assert_array_equal(normalize_ptb_xl(x, inplace=True), expected)
