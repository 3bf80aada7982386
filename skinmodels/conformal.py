"""Split conformal prediction sets: the labels that hold the right one in 90 % of pictures, fitted and checked.

Angelopoulos and Bates, "A Gentle Introduction to Conformal Prediction and Distribution-Free Uncertainty Quantification"
(arXiv 2107.07511): score 1 - p of the right label, threshold the ceil((n + 1) * 0.9)-th smallest score of n calibration
pictures (section 1), by class where a class has pictures enough (section 4.2), and the distribution of coverage that
sample sizes allow (section 3.2, appendix C).

The theory wants exchangeable pictures. Pictures of one lesion are not independent of each other, so coverage scatters
somewhat more than the bands say.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

COVERAGE = 0.9
BAND = 0.99
# A class with fewer calibration pictures shares the threshold of all classes together.
CLASS_PICTURES = 50
_DRAWS = 100_000


def prediction_sets(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Which labels are in each picture's prediction set, (n, labels) of bool.

    Args:
        probabilities: calibrated, (n, labels).
        thresholds: for each label the largest nonconformity 1 - p that is still in the set, (labels,).
    """
    return 1 - probabilities <= thresholds


def rank(n: int) -> int:
    """Which of n sorted scores is the threshold, counted from 1; more than n where n is too small for any."""
    return int(np.ceil((n + 1) * COVERAGE - 1e-9))


def threshold(scores: np.ndarray) -> float:
    """The largest score (n,) that is still in the set; 1, so that every label is, where there are fewer than 9 scores."""
    k = rank(len(scores))
    return float(np.sort(scores)[k - 1]) if k <= len(scores) else 1.0


def fit(labels: Sequence[str], truth: np.ndarray, probabilities: np.ndarray) -> tuple[dict[str, float], dict[str, str]]:
    """Thresholds by label, and whether each is the class's own ("class") or that of all pictures ("marginal").

    Args:
        labels: class codes in the order of the columns.
        truth: label index of each calibration picture, (n,).
        probabilities: calibrated, (n, labels).
    """
    scores = 1 - probabilities[np.arange(len(truth)), truth]
    kind = {label: "class" if (truth == i).sum() >= CLASS_PICTURES else "marginal" for i, label in enumerate(labels)}
    thresholds = {label: threshold(scores[truth == i] if kind[label] == "class" else scores) for i, label in enumerate(labels)}
    return thresholds, kind


def band(calibration_n: int, test_n: int) -> list[float]:
    """Between which shares the coverage on test_n pictures falls with 99 %, given a threshold from calibration_n others.

    The number covered follows a beta-binomial distribution with parameters k and n + 1 - k, k the threshold's rank.
    """
    k = rank(calibration_n)
    if k > calibration_n or not test_n:
        return [1.0, 1.0] if test_n else [0.0, 1.0]
    from scipy.stats import betabinom  # serving only forms the sets

    tail = (1 - BAND) / 2
    covered = betabinom(test_n, k, calibration_n + 1 - k)
    return [float(covered.ppf(tail)) / test_n, float(covered.ppf(1 - tail)) / test_n]


def mixed_band(parts: Sequence[tuple[int, int]]) -> list[float]:
    """``band`` of pictures in several parts (calibration_n, test_n), each with a threshold of its own.

    The covered pictures of the parts are independent beta-binomial numbers; their sum is drawn 100,000 times, seed 0.
    """
    random = np.random.default_rng(0)
    total = np.zeros(_DRAWS)
    for calibration_n, test_n in parts:
        k = rank(calibration_n)
        if k > calibration_n:
            total += test_n
        elif test_n:
            total += random.binomial(test_n, random.beta(k, calibration_n + 1 - k, _DRAWS))
    low, high = np.quantile(total, [(1 - BAND) / 2, (1 + BAND) / 2], method="inverted_cdf")
    n = sum(test_n for _, test_n in parts)
    return [float(low) / n, float(high) / n]


def block(
    labels: Sequence[str],
    calibration: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> dict:
    """The ``conformal`` of a record, from (label indices (n,), calibrated probabilities (n, labels)) of both parts.

    A class under the threshold of all classes is promised nothing by itself: it is held against the band it would have
    if 90 % held for it too. The overall band takes the classes with their own threshold one by one and the others as one
    part under the threshold of all calibration pictures.
    """
    thresholds, kind = fit(labels, *calibration)
    truth, probabilities = test
    sets = prediction_sets(probabilities, np.array([thresholds[label] for label in labels]))
    covered, sizes = sets[np.arange(len(truth)), truth], sets.sum(axis=1)
    n_of = {label: (int((calibration[0] == i).sum()), int((truth == i).sum())) for i, label in enumerate(labels)}
    everyone = len(calibration[0])
    per_class = {
        label: {
            **_against(band(n_of[label][0] if kind[label] == "class" else everyone, n_of[label][1]), covered[truth == i]),
            "calibration_n": n_of[label][0],
        }
        for i, label in enumerate(labels)
    }
    parts = [n_of[label] for label in labels if kind[label] == "class"]
    parts.append((everyone, sum(n_of[label][1] for label in labels if kind[label] == "marginal")))
    return {
        "coverage": COVERAGE,
        "n": everyone,
        "thresholds": thresholds,
        "kind": kind,
        "test": {
            **_against(mixed_band(parts), covered),
            "mean_size": float(sizes.mean()),
            "sizes": {str(size): int((sizes == size).sum()) for size in range(len(labels) + 1)},
            "per_class": per_class,
        },
    }


def _against(bounds: list[float], covered: np.ndarray) -> dict:
    """The coverage of pictures (n,) of bool, and whether it lies in the band; null where there are none."""
    if not len(covered):
        return {"n": 0, "coverage": None, "band": None, "within": None}
    coverage = float(covered.mean())
    within = bounds[0] - 1e-9 <= coverage <= bounds[1] + 1e-9
    return {"n": len(covered), "coverage": coverage, "band": bounds, "within": bool(within)}
