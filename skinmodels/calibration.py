"""Temperature scaling: one number that makes a network's confidence mean what it says.

Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017. Fitted on the calibration half of the
validation, which selected nothing; applied to every prediction; measured on the test part.
"""

from __future__ import annotations

import numpy as np

# Below this a probability is rounding: a softmax in float32 gives exact zeros and ones, and a right label may be written with
# 0 in files that keep six digits.
_LEAST = 1e-7
# Temperatures are looked for between these; a sound network's lies between 0.3 and 5.
_BOUNDS = (0.05, 20.0)


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Temperature scaling (Guo et al. 2017) of probabilities (n, labels) 0..1 with rows that sum to 1.

    Softmax of logits divided by the temperature is the probability to the power of its inverse, normalised again; for one
    sigmoid unit, written as two labels, the same holds.
    """
    if temperature == 1:
        return probabilities
    powers = np.clip(probabilities, _LEAST, 1.0) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def negative_log_likelihood(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean over pictures of -log of the right label's probability, in nats; truth (n,), probabilities (n, labels)."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], _LEAST)).mean())


def fit_temperature(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature, 0.05 to 20, under which these label indices (n,) are likeliest given probabilities (n, labels)."""
    from scipy.optimize import minimize_scalar  # serving only scales

    found = minimize_scalar(
        lambda log_t: negative_log_likelihood(truth, scaled(probabilities, float(np.exp(log_t)))),
        bounds=tuple(np.log(_BOUNDS)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def block(temperature: float, calibration_n: int, truth: np.ndarray, probabilities: np.ndarray) -> dict:
    """The ``calibration`` of a record: how well probabilities (n, labels) of the test part, not yet calibrated, and their
    scaled form agree with the label indices (n,)."""
    return {
        "temperature": temperature,
        "n": calibration_n,
        "before": _quality(truth, probabilities),
        "after": _quality(truth, scaled(probabilities, temperature)),
    }


def _quality(truth: np.ndarray, probabilities: np.ndarray) -> dict:
    from skinmodels import metrics  # imports scikit-learn, which serving does without

    return {
        "ece": metrics.expected_calibration_error(truth, probabilities),
        "nll": negative_log_likelihood(truth, probabilities),
        "reliability": metrics.reliability(truth, probabilities),
    }
