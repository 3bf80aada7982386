"""Figures by what is known of the person and the diagnosis: who is served worse, and how sure the labels are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from training.evaluation import malignancy

COLUMNS = ("sex", "age_band", "site", "diagnosis_by")


def block(labels: Sequence[str], rows: pd.DataFrame, probabilities: np.ndarray, malignant: np.ndarray) -> dict:
    """The ``subgroups`` of a record: for each column that ``rows`` has, for each value known, the figures of its pictures.

    Args:
        labels: class codes in the order of the columns of ``probabilities``.
        rows: a row a test picture with group and label; columns of ``COLUMNS`` hold "" where nothing is known.
        probabilities: calibrated, (n, labels).
        malignant: the truth on the malignancy axis, (n,) of bool.

    Figures are null where a subgroup has under 20 pictures, and those that need both sides where it has one alone.
    """
    truth = rows["label"].map(list(labels).index).to_numpy()
    groups = rows["group"].to_numpy()
    found: dict[str, dict] = {}
    for column in COLUMNS:
        # By name, which puts bands of age in their order but for the youngest, "under 30".
        values = (
            sorted(set(rows[column]) - {""}, key=lambda name: (not name.startswith("under"), name)) if column in rows else []
        )
        for value in values:
            held = (rows[column] == value).to_numpy()
            its = _subgroup(labels, truth[held], probabilities[held], malignant[held], groups[held])
            found.setdefault(column, {})[value] = its
    return found


def _subgroup(
    labels: Sequence[str],
    truth: np.ndarray,
    probabilities: np.ndarray,
    malignant: np.ndarray,
    groups: malignancy.Groups,
) -> dict:
    on_axis = malignancy.block(malignant, malignancy.score(labels, probabilities), groups)
    both = accuracies(truth, probabilities.argmax(axis=1), groups)
    return {**on_axis, **both, "intervals": {**both["intervals"], **on_axis["intervals"]}}


def accuracies(truth: np.ndarray, predicted: np.ndarray, groups: malignancy.Groups) -> dict:
    """Accuracy and balanced accuracy over the classes there are, with 95 % intervals, from label indices (n,).

    Null under 20 pictures; balanced accuracy also where there is one class alone.
    """
    if len(truth) < malignancy.LEAST:
        return {"accuracy": None, "balanced_accuracy": None, "intervals": {"accuracy": None, "balanced_accuracy": None}}
    weights, right, classes = malignancy.with_resamples(groups), truth == predicted, np.unique(truth)
    with np.errstate(invalid="ignore"):
        recalls = [weights @ (right & (truth == i)) / (weights @ (truth == i)) for i in classes]
    balanced = np.nanmean(recalls, axis=0) if len(classes) > 1 else np.full(len(weights), np.nan)
    return malignancy.measured({"accuracy": weights @ right / weights.sum(axis=1), "balanced_accuracy": balanced})
