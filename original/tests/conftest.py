"""Fixtures shared by the tests of the Python package."""

import os
from pathlib import Path

# before TensorFlow is imported by any test module
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
from icentia_files import synthetic_patient, write_patients

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings: ``ECG_SHARED_DATA``, else ``../shared/data`` beside the project."""
    folder = Path(os.environ.get("ECG_SHARED_DATA") or PROJECT_ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}: set ECG_SHARED_DATA to their folder")
    return folder


@pytest.fixture
def seed_42():
    """Seed NumPy's global generator, as the trainers do, and restore its state afterwards."""
    state = np.random.get_state()
    np.random.seed(42)
    yield
    np.random.set_state(state)


@pytest.fixture
def synthetic_patients():
    """The patients of the check vectors: 0, 1, 2 in order."""
    return [synthetic_patient(patient_id) for patient_id in range(3)]


@pytest.fixture(scope="session")
def icentia_zipped(tmp_path_factory) -> Path:
    """Folder with the synthetic patients 0-4 as distributed (gzip pickles)."""
    return write_patients(tmp_path_factory.mktemp("icentia_zipped"), range(5))


@pytest.fixture(scope="session")
def icentia_unzipped(tmp_path_factory) -> Path:
    """Folder with the synthetic patients 0-4 unzipped (``.npy``, ``.npz``)."""
    return write_patients(tmp_path_factory.mktemp("icentia_unzipped"), range(5), unzipped=True)
