"""Metrics against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from skinmodels import bootstrap, metrics

LABELS = ("benign", "malignant")
# Six pictures: one of four benign is called malignant, one of two malignant benign.
TRUTH = np.array([0, 0, 0, 0, 1, 1])
MALIGNANT = np.array([0.1, 0.2, 0.3, 0.9, 0.4, 0.8])
PROBABILITIES = np.stack([1 - MALIGNANT, MALIGNANT], axis=1)
GROUPS = ["a", "b", "c", "d", "e", "f"]


def test_binary_figures_by_hand() -> None:
    block = metrics.block(LABELS, TRUTH, PROBABILITIES, GROUPS, resamples=50)
    assert block["confusion_matrix"] == [[3, 1], [1, 1]]
    assert block["accuracy"] == pytest.approx(4 / 6)
    assert block["sensitivity"] == pytest.approx(1 / 2)
    assert block["specificity"] == pytest.approx(3 / 4)
    assert block["balanced_accuracy"] == pytest.approx((1 / 2 + 3 / 4) / 2)
    # Of the 8 pairs of a benign and a malignant picture, 6 are in order: 0.4 and 0.8 beat all but 0.9.
    assert block["auc"] == block["macro_auc"] == pytest.approx(6 / 8)
    assert block["per_class"]["malignant"] == pytest.approx({"precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "n": 2})


def test_ece_by_hand() -> None:
    # Two bins are filled: confidence 0.6 with accuracy 1 (two pictures), confidence 0.9 with accuracy 0.5 (two pictures).
    truth = np.array([0, 0, 0, 1])
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.9, 0.1]])
    assert metrics.expected_calibration_error(truth, probabilities) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
    assert sum(b["n"] for b in metrics.reliability(truth, probabilities)) == 4


def test_intervals_draw_lesions_not_pictures() -> None:
    random = np.random.default_rng(1)
    truth = np.repeat(random.integers(0, 2, 60), 10)
    right = np.repeat(random.random(60) < 0.8, 10)
    malignant = np.where(right, truth, 1 - truth) * 0.8 + 0.1
    probabilities = np.stack([1 - malignant, malignant], axis=1)
    by_picture = bootstrap.intervals(truth, probabilities, [str(i) for i in range(600)], 200)["accuracy"]
    by_lesion = bootstrap.intervals(truth, probabilities, [str(i // 10) for i in range(600)], 200)["accuracy"]
    assert by_lesion[1] - by_lesion[0] > 2 * (by_picture[1] - by_picture[0])


def test_a_rare_class_missing_from_a_resample_leaves_intervals_finite() -> None:
    truth = np.array([0] * 20 + [1] * 20 + [2])
    probabilities = np.full((41, 3), 0.2)
    probabilities[np.arange(41), truth] = 0.6
    found = bootstrap.intervals(truth, probabilities, [str(i) for i in range(41)], 100)
    assert all(np.isfinite(bounds).all() for bounds in found.values())


def test_roc_is_thinned_to_200_points_from_corner_to_corner() -> None:
    random = np.random.default_rng(0)
    truth, malignant = random.integers(0, 2, 2000), random.random(2000)
    curve = metrics.roc(LABELS, truth, np.stack([1 - malignant, malignant], axis=1))["malignant"]
    assert len(curve["fpr"]) <= 200
    assert (curve["fpr"][0], curve["tpr"][0], curve["fpr"][-1], curve["tpr"][-1]) == (0, 0, 1, 1)


@pytest.mark.parametrize("classes", [2, 4])
def test_bootstrap_figures_are_those_of_scikit_learn_on_the_resampled_pictures(classes: int) -> None:
    random = np.random.default_rng(classes)
    truth = random.integers(0, classes, 90)
    # Rounded to one digit, so that there are many ties.
    probabilities = random.dirichlet(np.ones(classes), 90).round(1) + 1e-9 * np.arange(classes)
    weights = random.integers(0, 3, (5, 90)).astype(float)
    found = bootstrap.weighted_figures(truth, probabilities, weights)
    for number, row in enumerate(weights):
        rows = np.repeat(np.arange(90), row.astype(int))
        expected = metrics.headline(truth[rows], probabilities[rows])
        assert {name: value[number] for name, value in found.items()} == pytest.approx(expected)
