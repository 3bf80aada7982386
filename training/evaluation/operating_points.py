"""Where to cut the malignancy axis, and what a call of "malignant" is then worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skinmodels import bootstrap
from skinmodels.labels import MALIGNANT
from training.evaluation import malignancy

DEFAULT = 0.5
SENSITIVITIES = (0.90, 0.95)
PREVALENCES = (0.01, 0.05, 0.20)


def threshold_for(sensitivity: float, malignant: np.ndarray, scores: np.ndarray) -> float:
    """The highest threshold at which at least this share (0..1) of the malignant (n,) of bool score (n,) that high."""
    ordered = np.sort(scores[malignant])[::-1]
    return float(ordered[int(np.ceil(sensitivity * len(ordered) - 1e-9)) - 1])


def threshold_for_specificity(specificity: float, malignant: np.ndarray, scores: np.ndarray) -> float:
    """The lowest threshold at which at least this share (0..1) of the benign score lower than it."""
    ordered = np.sort(scores[~malignant])
    return float(np.nextafter(ordered[int(np.ceil(specificity * len(ordered) - 1e-9)) - 1], np.inf))


def positive_predictive_value(sensitivity: float, specificity: float, prevalence: float) -> float | None:
    """How many of those called malignant are, 0..1, where this share of all is (Bayes); None where nothing is called so."""
    right, wrong = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    return right / (right + wrong) if right + wrong else None


def thresholds(malignant: np.ndarray, scores: np.ndarray, specificity: float | None = None) -> dict[str, float]:
    """The operating points by name, fitted on calibration pictures: truth (n,) of bool, scores (n,).

    ``specificity``: one that is to be reached too, 0..1, as where a paper claims it.
    """
    found = {"default": DEFAULT}
    found |= {f"sensitivity {target:.0%}": threshold_for(target, malignant, scores) for target in SENSITIVITIES}
    if specificity is not None:
        found[f"specificity {specificity:.0%}"] = threshold_for_specificity(specificity, malignant, scores)
    return {name.replace("%", " %"): threshold for name, threshold in found.items()}


def block(
    labels: Sequence[str],
    calibration: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    groups: malignancy.Groups,
    specificity: float | None = None,
) -> dict:
    """The ``operating_points`` of a record.

    Args:
        labels: class codes.
        calibration: truth (n,) of bool and calibrated probability of malignancy (n,) of the calibration part.
        test: the same of the test part.
        groups: lesion of each test picture; the bootstrap draws lesions.
        specificity: one that a point is to reach too, on the calibration part.
    """
    malignant, scores = test
    weights = malignancy.with_resamples(groups)
    area = malignancy.measured({"auc": bootstrap.auc(malignant, scores, weights)})
    return {
        "malignant": [label for label in labels if label in MALIGNANT],
        "n": len(malignant),
        "n_malignant": int(malignant.sum()),
        "auc": area["auc"],
        "auc_interval": area["intervals"]["auc"],
        "points": [
            _point(name, threshold, malignancy.with_rates(malignant, scores >= threshold, groups, weights))
            for name, threshold in thresholds(*calibration, specificity).items()
        ],
    }


def _point(name: str, threshold: float, found: dict) -> dict:
    both = found["sensitivity"] is not None and found["specificity"] is not None
    return {
        "name": name,
        "threshold": threshold,
        "sensitivity": found["sensitivity"],
        "specificity": found["specificity"],
        "sensitivity_interval": found["intervals"]["sensitivity"],
        "specificity_interval": found["intervals"]["specificity"],
        "ppv": {
            f"{share:g}": positive_predictive_value(found["sensitivity"], found["specificity"], share) if both else None
            for share in PREVALENCES
        },
    }
