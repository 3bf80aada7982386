"""Malignant against benign, the one axis all models share: its figures with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skinmodels.labels import MALIGNANT
from training import bootstrap, metrics

# Lesion (or patient) of each picture.
Groups = Sequence[str] | np.ndarray

# With fewer pictures no figure is given.
LEAST = 20


def score(labels: Sequence[str], probabilities: np.ndarray) -> np.ndarray:
    """The probability of malignancy, (n,) 0..1, from calibrated probabilities (n, labels); as ``labels.malignancy``."""
    return np.minimum(probabilities[:, [label in MALIGNANT for label in labels]].sum(axis=1), 1.0)


def rates(malignant: np.ndarray, called: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Sensitivity and specificity under each row of weights (resamples, n), NaN where undefined.

    Args:
        malignant: the truth, (n,) of bool.
        called: what was called malignant, (n,) of bool.
        weights: how often each picture counts, (resamples, n).
    """
    with np.errstate(invalid="ignore"):
        return {
            "sensitivity": weights @ (malignant & called) / (weights @ malignant),
            "specificity": weights @ (~malignant & ~called) / (weights @ ~malignant),
        }


def measured(weights_of: dict[str, np.ndarray]) -> dict:
    """Figures and ``intervals`` from arrays whose first value is the figure itself and the others its resamples."""
    figures = {name: None if np.isnan(values[0]) else float(values[0]) for name, values in weights_of.items()}
    intervals = {name: None if figures[name] is None else bootstrap.interval(values[1:]) for name, values in weights_of.items()}
    return {**figures, "intervals": intervals}


def with_resamples(groups: Groups) -> np.ndarray:
    """Weights (1 + resamples, n): every picture once, then the bootstrap's draws."""
    return np.concatenate([np.ones((1, len(groups))), bootstrap.resampled(groups, metrics.RESAMPLES)])


def block(malignant: np.ndarray, scores: np.ndarray, groups: Groups, threshold: float = 0.5) -> dict:
    """n, n_malignant, sensitivity, specificity, auc and their 95 % intervals; null where undefined or under 20 pictures.

    Args:
        malignant: the truth, (n,) of bool.
        scores: calibrated probability of malignancy, (n,).
        groups: lesion (or patient) of each picture; the bootstrap draws these.
        threshold: a score this high counts as called malignant.
    """
    counts = {"n": len(malignant), "n_malignant": int(malignant.sum())}
    if len(malignant) < LEAST:
        names = ("sensitivity", "specificity", "auc")
        return {**counts, **dict.fromkeys(names), "intervals": dict.fromkeys(names)}
    weights = with_resamples(groups)
    values = rates(malignant, scores >= threshold, weights) | {"auc": bootstrap.auc(malignant, scores, weights)}
    return {**counts, **measured(values)}
