"""Scores of tables of predictions by pandas and scikit-learn, as JSON; the files are the arguments."""

import json
import sys

import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)

results = []
for file in sys.argv[1:]:
    table = pd.read_csv(file)
    names = [name[5:] for name in table.columns if name.startswith("prob_")]
    truth = table[[f"true_{name}" for name in names]].to_numpy().astype(int)
    prob = table[[f"prob_{name}" for name in names]].to_numpy()
    single = (truth.sum(axis=1) == 1).all()
    decided = (prob == prob.max(axis=1, keepdims=True)).astype(int) if single else (prob >= 0.5).astype(int)
    scores = precision_recall_fscore_support(truth, decided, average=None, zero_division=0)
    errors = []
    for k in range(len(names)):
        observed, predicted = calibration_curve(truth[:, k], prob[:, k], n_bins=10)
        bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], prob[:, k])
        counts = np.bincount(bins, minlength=10)
        errors.append(float(np.sum(np.abs(observed - predicted) * counts[counts > 0]) / len(truth)))
    results.append(
        {
            "precision": scores[0].tolist(),
            "recall": scores[1].tolist(),
            "f1": scores[2].tolist(),
            "records": scores[3].tolist(),
            "auc": [roc_auc_score(truth[:, k], prob[:, k]) for k in range(len(names))],
            "averagePrecision": [average_precision_score(truth[:, k], prob[:, k]) for k in range(len(names))],
            "calibrationError": errors,
            "accuracy": float((decided == truth).all(axis=1).mean()),
            "macroF1": float(scores[2].mean()),
            "confusion": confusion_matrix(truth.argmax(1), prob.argmax(1)).tolist() if single else None,
        }
    )
print(json.dumps(results))
