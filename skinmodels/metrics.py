"""The figures a model is shown with, computed from probabilities alone by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn import metrics as sk

from skinmodels import bootstrap

RELIABILITY_BINS = 15
ROC_POINTS = 200
RESAMPLES = 1000


def block(
    labels: Sequence[str], truth: np.ndarray, probabilities: np.ndarray, groups: Sequence[str], resamples: int | None = None
) -> dict:
    """The ``test`` block of a record.

    Args:
        labels: class codes in the order of the columns.
        truth: label index of each picture, (n,).
        probabilities: (n, labels), rows sum to 1.
        groups: lesion of each picture; the bootstrap draws lesions, not pictures.
        resamples: how many bootstrap samples the 95 % intervals come from, 1000 where not given.
    """
    predicted = probabilities.argmax(axis=1)
    index = np.arange(len(labels))
    precision, recall, f1, n = sk.precision_recall_fscore_support(truth, predicted, labels=index, zero_division=0)
    per_class = {
        label: {"precision": float(precision[i]), "recall": float(recall[i]), "f1": float(f1[i]), "n": int(n[i])}
        for i, label in enumerate(labels)
    }
    return {
        "n": len(truth),
        "groups": len(set(groups)),
        **headline(truth, probabilities),
        "ece": expected_calibration_error(truth, probabilities),
        "per_class": per_class,
        "confusion_matrix": confusion(truth, probabilities),
        "intervals": bootstrap.intervals(truth, probabilities, groups, resamples or RESAMPLES),
        "roc": roc(labels, truth, probabilities),
        "reliability": reliability(truth, probabilities),
    }


def confusion(truth: np.ndarray, probabilities: np.ndarray) -> list[list[int]]:
    """Counts, true labels (n,) as rows and those of the highest probability (n, labels) as columns."""
    return sk.confusion_matrix(truth, probabilities.argmax(axis=1), labels=np.arange(probabilities.shape[1])).tolist()


def headline(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """The single figures of label indices (n,) and probabilities (n, labels).

    Averages are over the classes there are pictures of; where these are one alone, ROC-AUC is undefined and left out.
    """
    predicted = probabilities.argmax(axis=1)
    index = np.arange(probabilities.shape[1])
    figures = {
        "accuracy": sk.accuracy_score(truth, predicted),
        "balanced_accuracy": sk.recall_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0),
        "macro_f1": sk.f1_score(truth, predicted, labels=index, average="macro", zero_division=0),
        "weighted_precision": sk.precision_score(truth, predicted, labels=index, average="weighted", zero_division=0),
        "weighted_f1": sk.f1_score(truth, predicted, labels=index, average="weighted", zero_division=0),
    }
    if len(np.unique(truth)) > 1:
        figures["macro_auc"] = _macro_auc(truth, probabilities)
    if len(index) == 2:
        figures["sensitivity"] = sk.recall_score(truth, predicted, pos_label=1, zero_division=0)
        figures["specificity"] = sk.recall_score(truth, predicted, pos_label=0, zero_division=0)
        figures |= {"auc": figures["macro_auc"]} if "macro_auc" in figures else {}
    return {name: float(value) for name, value in figures.items()}


def _macro_auc(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Area under the ROC curve, one class against the rest, averaged over classes."""
    columns = [1] if probabilities.shape[1] == 2 else np.unique(truth)
    return float(np.mean([sk.roc_auc_score(truth == i, probabilities[:, i]) for i in columns]))


def expected_calibration_error(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean distance between confidence and accuracy of the top label over 15 bins of equal width (Guo et al. 2017)."""
    bins = reliability(truth, probabilities)
    return float(sum(b["n"] * abs(b["accuracy"] - b["confidence"]) for b in bins if b["n"]) / len(truth))


def reliability(truth: np.ndarray, probabilities: np.ndarray) -> list[dict]:
    """For each of 15 bins of the top label's probability: n, mean confidence, accuracy (both null where n is 0)."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    number = np.minimum((confidence * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    rows = []
    for i in range(RELIABILITY_BINS):
        held = number == i
        mean = {"confidence": float(confidence[held].mean()), "accuracy": float(right[held].mean())} if held.any() else {}
        rows.append({"n": int(held.sum()), "confidence": None, "accuracy": None, **mean})
    return rows


def roc(labels: Sequence[str], truth: np.ndarray, probabilities: np.ndarray) -> dict[str, dict[str, list[float]]]:
    """False and true positive rates of each class against the rest, thinned to 200 points."""
    curves = {}
    for i, label in enumerate(labels):
        if len(np.unique(truth == i)) < 2:  # no picture of it, or of nothing else
            continue
        false, true, _ = sk.roc_curve(truth == i, probabilities[:, i])
        keep = np.unique(np.linspace(0, len(false) - 1, min(ROC_POINTS, len(false))).round().astype(int))
        curves[label] = {"fpr": false[keep].round(4).tolist(), "tpr": true[keep].round(4).tolist()}
    return curves
