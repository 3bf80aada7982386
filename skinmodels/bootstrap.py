"""Bootstrap intervals over lesions.

scikit-learn works out one resample at a time, two minutes for a thousand of a seven-class set. Here all resamples go through
the same matrix products at once, in a second; a test holds the figures equal to scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def intervals(truth: np.ndarray, probabilities: np.ndarray, groups: Sequence[str], resamples: int) -> dict[str, list[float]]:
    """95 % percentile intervals of the single figures, groups drawn with replacement, seed 0."""
    values = weighted_figures(truth, probabilities, resampled(groups, resamples))
    return {name: bounds for name, value in values.items() if (bounds := interval(value)) is not None}


def resampled(groups: Sequence[str] | np.ndarray, resamples: int) -> np.ndarray:
    """How often each picture stands in each resample, (resamples, n): groups drawn with replacement, seed 0."""
    codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    count = codes.max() + 1
    random = np.random.default_rng(0)
    drawn = [np.bincount(random.integers(0, count, count), minlength=count) for _ in range(resamples)]
    return np.array(drawn, float)[:, codes]


def interval(values: np.ndarray) -> list[float] | None:
    """95 % percentile interval of a figure over resamples; None where it is undefined in all of them.

    A resample in which it is undefined, as ROC-AUC without a rare class, is left out.
    """
    defined = values[~np.isnan(values)]
    return [float(x) for x in np.percentile(defined, [2.5, 97.5])] if len(defined) else None


def weighted_figures(truth: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """``metrics.headline`` for each row of weights (resamples, n): arrays (resamples,), NaN where undefined."""
    classes = probabilities.shape[1]
    cell = truth * classes + probabilities.argmax(axis=1)
    confusion = (weights @ np.eye(classes**2)[cell]).reshape(-1, classes, classes)
    right, true, called = np.einsum("rii->ri", confusion), confusion.sum(axis=2), confusion.sum(axis=1)
    with np.errstate(invalid="ignore"):
        recall = right / true
        precision = np.nan_to_num(right / called)
        f1 = np.nan_to_num(2 * right / (true + called))
    columns = [1] if classes == 2 else np.unique(truth)
    area = np.mean([auc(truth == i, probabilities[:, i], weights) for i in columns], axis=0)
    figures = {
        "accuracy": right.sum(axis=1) / true.sum(axis=1),
        "balanced_accuracy": np.nanmean(recall, axis=1),
        "macro_f1": f1.mean(axis=1),
        "weighted_precision": (precision * true).sum(axis=1) / true.sum(axis=1),
        "weighted_f1": (f1 * true).sum(axis=1) / true.sum(axis=1),
        "macro_auc": area,
    }
    if classes == 2:
        figures |= {"sensitivity": recall[:, 1], "specificity": recall[:, 0], "auc": area}
    return figures


def auc(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of pairs of a positive and a negative in which the positive scores higher, ties counting half.

    Args:
        positive: (n,) of bool.
        score: (n,).
        weights: (resamples, n).

    Returns (resamples,), NaN where a resample has no positive or no negative.
    """
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf))
    positives = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    negatives = np.add.reduceat((weights * ~positive)[:, order], starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    with np.errstate(invalid="ignore"):
        return (positives * below).sum(axis=1) / (positives.sum(axis=1) * negatives.sum(axis=1))
