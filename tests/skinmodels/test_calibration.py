"""Temperature scaling and conformal sets against known temperatures, hand-worked thresholds and simulated coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import betabinom

from skinmodels import calibration, conformal, metrics
from skinmodels.calibration import scaled
from skinmodels.conformal import prediction_sets


def drawn(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from the very probabilities that are given: calibrated by construction."""
    random = np.random.default_rng(seed)
    probabilities = softmax(random.normal(0, 2, (n, classes)), axis=1)
    truth = (random.random((n, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    return np.minimum(truth, classes - 1), probabilities


@pytest.mark.parametrize("classes", [2, 6])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_was_put_in_is_found(classes: int, temperature: float) -> None:
    truth, probabilities = drawn(20_000, classes, seed=classes)
    overconfident = scaled(probabilities, 1 / temperature)
    assert calibration.fit_temperature(truth, overconfident) == pytest.approx(temperature, rel=0.05)


def test_scaling_brings_ece_and_likelihood_down_and_leaves_the_answer() -> None:
    truth, probabilities = drawn(5_000, 4, seed=1)
    given = scaled(probabilities, 0.4)
    temperature = calibration.fit_temperature(truth, given)
    block = calibration.block(temperature, 100, truth, given)
    assert block["before"]["ece"] > 0.1 > 0.03 > block["after"]["ece"]
    assert block["before"]["nll"] > block["after"]["nll"]
    assert (given.argmax(axis=1) == scaled(given, temperature).argmax(axis=1)).all()
    assert sum(its["n"] for its in block["after"]["reliability"]) == 5_000
    assert block["after"]["ece"] == metrics.expected_calibration_error(truth, scaled(given, temperature))
    assert (block["temperature"], block["n"]) == (temperature, 100)


def test_likelihood_by_hand() -> None:
    found = calibration.negative_log_likelihood(np.array([0, 1]), np.array([[0.5, 0.5], [0.75, 0.25]]))
    assert found == pytest.approx((math.log(2) + math.log(4)) / 2)
    assert calibration.negative_log_likelihood(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(-math.log(1e-7))


def test_threshold_by_hand() -> None:
    # Of 19 scores the ceil(20 * 0.9) = 18th smallest; of 9 the largest; of 8 there is none, and everything is in the set.
    scores = np.arange(1, 20) / 20
    assert conformal.threshold(scores[::-1]) == pytest.approx(18 / 20)
    assert conformal.threshold(scores[:9]) == pytest.approx(9 / 20)
    assert conformal.threshold(scores[:8]) == 1


def test_rank_is_exact_where_floats_are_not() -> None:
    assert [conformal.rank(n) for n in (9, 19, 29, 99, 999)] == [9, 18, 27, 90, 900]


def test_classes_with_50_pictures_have_a_threshold_of_their_own() -> None:
    truth = np.repeat([0, 1, 2], [50, 49, 200])
    random = np.random.default_rng(0)
    right = random.random(len(truth))
    probabilities = np.stack([np.where(truth == i, right, (1 - right) / 2) for i in range(3)], axis=1)
    thresholds, kind = conformal.fit("abc", truth, probabilities)
    assert kind == {"a": "class", "b": "marginal", "c": "class"}
    assert thresholds["a"] == np.sort(1 - right[truth == 0])[conformal.rank(50) - 1]
    assert thresholds["b"] == np.sort(1 - right)[conformal.rank(299) - 1]


def test_coverage_over_many_draws_is_90_percent_and_within_its_band_99_times_in_100() -> None:
    random = np.random.default_rng(3)
    calibration_n, test_n, inside, coverage = 60, 80, 0, []
    low, high = conformal.band(calibration_n, test_n)
    for _ in range(3_000):
        its = (random.random(test_n) <= conformal.threshold(random.random(calibration_n))).mean()
        inside += low - 1e-9 <= its <= high + 1e-9
        coverage.append(its)
    assert np.mean(coverage) == pytest.approx(conformal.rank(60) / 61, abs=0.005)
    assert 0.985 <= inside / 3_000 <= 1


def test_bands_are_those_of_the_beta_binomial() -> None:
    covered = betabinom(200, 91, 10)
    low, high = conformal.band(100, 200)
    assert (low, high) == (covered.ppf(0.005) / 200, covered.ppf(0.995) / 200)
    assert conformal.mixed_band([(100, 200)]) == pytest.approx([low, high], abs=0.011)
    wide, narrow = conformal.mixed_band([(60, 50)]), conformal.mixed_band([(600, 500), (600, 500)])
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
    assert conformal.mixed_band([(5, 30)]) == conformal.band(5, 30) == [1, 1]


def test_conformal_block_counts_what_the_sets_hold() -> None:
    fit, test = drawn(2_000, 3, seed=5), drawn(1_500, 3, seed=6)
    block = conformal.block("abc", fit, test)
    sets = prediction_sets(test[1], np.array([block["thresholds"][label] for label in "abc"]))
    found = block["test"]
    assert found["coverage"] == pytest.approx(sets[np.arange(1_500), test[0]].mean())
    assert found["within"]
    assert found["band"][0] < 0.9 < found["band"][1]
    assert found["mean_size"] == pytest.approx(sets.sum(axis=1).mean())
    assert sum(found["sizes"].values()) == found["n"] == 1_500
    assert found["sizes"]["1"] == (sets.sum(axis=1) == 1).sum()
    assert sum(its["n"] for its in found["per_class"].values()) == 1_500
    assert sum(its["calibration_n"] for its in found["per_class"].values()) == block["n"] == 2_000


def test_a_shifted_test_part_is_reported_outside_its_band() -> None:
    fit, (truth, probabilities) = drawn(2_000, 3, seed=7), drawn(1_500, 3, seed=8)
    block = conformal.block("abc", fit, ((truth + 1) % 3, probabilities))
    assert not block["test"]["within"]
    assert not any(its["within"] for its in block["test"]["per_class"].values())
