"""Every figure of a record, from the model's predictions alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from skinmodels import calibration, conformal, metrics, record_text
from skinmodels.calibration import scaled
from skinmodels.labels import MALIGNANT
from skinmodels.records import Claimed, Record
from skinmodels.spec import Claim
from training.evaluation import external, malignancy, operating_points, subgroups
from training.evaluation.predictions import Tables

# What this module writes into a record, in the order of its keys.
KEYS = (
    *("bootstrap", "test", "test_clean", "test_random_split", "calibration"),
    *("conformal", "operating_points", "operating_points_clean", "subgroups", "external"),
)


def block(rows: pd.DataFrame, labels: Sequence[str]) -> dict:
    """The ``test`` block of a record from a table with group, label and a column a label, as ``weights/<name>.test.csv``."""
    return metrics.block(labels, *_truth_and_probabilities(rows, labels), list(rows["group"].astype(str)))


def computed(labels: Sequence[str], tables: Tables, claims: Sequence[Claim | Claimed] = ()) -> dict:
    """Every figure of a record, from the model's answers alone; keys as in ``KEYS``.

    ``claims``: of the model's paper. Where it claims a specificity, one operating point is at that specificity, and all of them
    are measured on the clean part of the test pictures too.
    """
    labels = list(labels)
    truth, probabilities = _truth_and_probabilities(tables.test, labels)
    fit_truth, fit_probabilities = _truth_and_probabilities(tables.calibration, labels)
    temperature = calibration.fit_temperature(fit_truth, fit_probabilities)
    after, fit_after = scaled(probabilities, temperature), scaled(fit_probabilities, temperature)
    malignant, fit_malignant = (np.array([labels[i] in MALIGNANT for i in its]) for its in (truth, fit_truth))
    groups = tables.test["group"].to_numpy()
    unknown = (tables.test["clean"] == 1).to_numpy()
    clean = tables.test[unknown]
    specificity = next((claim.value for claim in claims if claim.metric == "specificity"), None)

    def points(rows: np.ndarray) -> dict:
        fitted, measured = (
            (fit_malignant, malignancy.score(labels, fit_after)),
            (malignant[rows], malignancy.score(labels, after)[rows]),
        )
        return operating_points.block(labels, fitted, measured, list(groups[rows]), specificity)

    outside = external.block(labels, tables.external, temperature)
    return {
        "bootstrap": {"resamples": metrics.RESAMPLES, "seed": 0},
        "test": block(tables.test, labels),
        **({"test_clean": block(clean, labels)} if len(clean) else {}),
        **({"test_random_split": block(tables.random_split, labels)} if tables.random_split is not None else {}),
        "calibration": calibration.block(temperature, len(fit_truth), truth, probabilities),
        "conformal": conformal.block(labels, (fit_truth, fit_after), (truth, after)),
        "operating_points": points(np.ones(len(groups), bool)),
        **({"operating_points_clean": points(unknown)} if specificity is not None and len(clean) else {}),
        "subgroups": subgroups.block(labels, tables.test, after, malignant),
        "external": {key: its | _left_out(tables, key) for key, its in outside.items()},
    }


def recorded(record: Record) -> dict:
    """What ``computed`` gave when the record was written, as in JSON."""
    return {key: value for key, value in record.content().items() if key in KEYS}


def with_figures(record: Record, figures: dict) -> Record:
    """The record with these figures, as ``computed`` gives them, in place of all it had."""
    rest = {key: value for key, value in record.content().items() if key not in KEYS}
    return record_text.of(Record, rest | figures)


def _left_out(tables: Tables, key: str) -> dict[str, int]:
    return {"left_out": tables.left_out[key]} if key in tables.left_out else {}


def _truth_and_probabilities(rows: pd.DataFrame, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    return rows["label"].map(list(labels).index).to_numpy(int), rows[list(labels)].to_numpy(float)
