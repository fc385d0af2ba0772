"""Labels of the tasks of the PTB-XL benchmark, computed with pandas and scikit-learn from their published definitions.

Standard input is a JSON list of folders; standard output holds, per folder and task, the ids, folds, classes and multi-hot labels.
"""

import ast
import json
import sys
from pathlib import Path

import pandas as pd
from sklearn.preprocessing import MultiLabelBinarizer


def classes_of_codes(statements: pd.DataFrame, task: str):
    """A function from the statements of a record to its classes in the task."""
    if task == "all":
        return lambda codes: set(codes)
    if task in ("diagnostic", "form", "rhythm"):
        members = set(statements.index[statements[task] == 1.0])
        return lambda codes: set(codes) & members
    column = {
        "subdiagnostic": "diagnostic_subclass",
        "superdiagnostic": "diagnostic_class",
    }[task]
    coarse = statements.loc[statements.diagnostic == 1.0, column].dropna()
    return lambda codes: {coarse[code] for code in codes if code in coarse.index}


def label(folder: str, task: str) -> dict:
    records = pd.read_csv(Path(folder, "ptbxl_database.csv"), index_col="ecg_id")
    statements = pd.read_csv(Path(folder, "scp_statements.csv"), index_col=0)
    chosen = records.scp_codes.map(ast.literal_eval).map(dict.keys).map(classes_of_codes(statements, task))
    chosen = chosen[chosen.map(len) > 0]
    binarizer = MultiLabelBinarizer()
    values = binarizer.fit_transform(chosen)
    return {
        "ids": chosen.index.tolist(),
        "folds": records.strat_fold[chosen.index].tolist(),
        "classes": binarizer.classes_.tolist(),
        "y": values.tolist(),
    }


tasks = ("all", "diagnostic", "subdiagnostic", "superdiagnostic", "form", "rhythm")
folders = json.load(sys.stdin)
json.dump([{task: label(folder, task) for task in tasks} for folder in folders], sys.stdout)
