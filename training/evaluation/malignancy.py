"""Malignant against benign, the one axis all models share: its figures with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest

from skinmodels import bootstrap, metrics
from skinmodels.labels import MALIGNANT

# Lesion (or patient) of each picture.
Groups = Sequence[str] | np.ndarray

# With fewer pictures no figure is given,
LEAST = 20
# and with fewer malignant (or benign) ones none that is a share of these.
LEAST_SIDE = 5


def score(labels: Sequence[str], probabilities: np.ndarray) -> np.ndarray:
    """The probability of malignancy, (n,) 0..1, from calibrated probabilities (n, labels); as ``labels.malignancy``.

    Rounded to nine digits, so that pictures that tie on one processor, whose last digits differ, tie on every other.
    """
    return np.minimum(probabilities[:, [label in MALIGNANT for label in labels]].sum(axis=1), 1.0).round(9)


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


def with_rates(malignant: np.ndarray, called: np.ndarray, groups: Groups, weights: np.ndarray) -> dict:
    """Sensitivity, specificity and their ``intervals``; arguments as those of ``rates``, with each picture's lesion.

    Where a rate is 0 or 1, so is every resample's, and the bootstrap would call it certain: there the exact binomial
    interval (Clopper and Pearson) of as many lesions stands instead.
    """
    found = measured(rates(malignant, called, weights))
    for name, side in (("sensitivity", malignant), ("specificity", ~malignant)):
        if found[name] in (0.0, 1.0):
            lesions = len(set(np.asarray(groups)[side]))
            exact = binomtest(int(found[name]) * lesions, lesions).proportion_ci(0.95)
            found["intervals"][name] = [float(exact.low), float(exact.high)]
    return found


def with_resamples(groups: Groups) -> np.ndarray:
    """Weights (1 + resamples, n): every picture once, then the bootstrap's draws."""
    return np.concatenate([np.ones((1, len(groups))), bootstrap.resampled(groups, metrics.RESAMPLES)])


def block(malignant: np.ndarray, scores: np.ndarray, groups: Groups, threshold: float = 0.5) -> dict:
    """n, n_malignant, sensitivity, specificity, auc and their 95 % intervals.

    Null under 20 pictures; sensitivity also under 5 malignant ones, specificity under 5 benign ones, auc in both cases.

    Args:
        malignant: the truth, (n,) of bool.
        scores: calibrated probability of malignancy, (n,).
        groups: lesion (or patient) of each picture; the bootstrap draws these.
        threshold: a score this high counts as called malignant.
    """
    counts = {"n": len(malignant), "n_malignant": int(malignant.sum())}
    ill, well = (side >= LEAST_SIDE for side in (counts["n_malignant"], counts["n"] - counts["n_malignant"]))
    enough = {"sensitivity": ill, "specificity": well, "auc": ill and well}
    if len(malignant) < LEAST or not any(enough.values()):
        return {**counts, **dict.fromkeys(enough), "intervals": dict.fromkeys(enough)}
    weights = with_resamples(groups)
    found = with_rates(malignant, scores >= threshold, groups, weights)
    area = measured({"auc": bootstrap.auc(malignant, scores, weights)})
    both, intervals = found | area, found["intervals"] | area["intervals"]
    return {
        **counts,
        **{name: both[name] if its else None for name, its in enough.items()},
        "intervals": {name: intervals[name] if its else None for name, its in enough.items()},
    }
