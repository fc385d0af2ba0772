"""Writer of small WFDB records in the form of the PhysioNet challenges."""

from pathlib import Path

import numpy as np

GAIN = 1000  # units per mV


def write_record(db_dir, name, digital, fs, comments=()):
    """Write ``name.hea`` and ``name.mat`` (16-bit samples after a 24-byte MATLAB header).

    Args:
        db_dir: existing folder.
        name: record name.
        digital: samples in 1/1000 mV, integers ``(samples, leads)``.
        fs: sampling rate in Hz.
        comments: lines of text after ``#`` in the header.
    """
    digital = np.asarray(digital, "<i2")
    num_samples, num_leads = digital.shape
    Path(db_dir, f"{name}.mat").write_bytes(bytes(24) + digital.tobytes())
    lines = [f"{name} {num_leads} {fs} {num_samples}"]
    for lead in range(num_leads):
        checksum = int(np.sum(digital[:, lead], dtype=np.int16))
        lines.append(f"{name}.mat 16+24 {GAIN}/mV 16 0 {digital[0, lead]} {checksum} 0 lead{lead}")
    Path(db_dir, f"{name}.hea").write_text("\n".join(lines + [f"#{comment}" for comment in comments]) + "\n")


def ramp(num_samples, num_leads=1, first=0):
    """Return digital samples: ``first + t`` in every lead, plus 100 per lead."""
    return first + np.arange(num_samples)[:, np.newaxis] + 100 * np.arange(num_leads)
