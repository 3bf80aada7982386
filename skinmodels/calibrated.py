"""What a record's calibration makes of a network's probabilities: temperature scaling and conformal sets.

Both are fitted in training/ on a part of the validation that selected nothing; here they are only applied.
"""

from __future__ import annotations

import numpy as np

# Below this a probability is rounding: a softmax in float32 gives exact zeros and ones.
_LEAST = 1e-7


def scaled(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Temperature scaling (Guo et al. 2017) of probabilities (n, labels) 0..1 with rows that sum to 1.

    Softmax of logits divided by the temperature is the probability to the power of its inverse, normalised again; for one
    sigmoid unit, written as two labels, the same holds.
    """
    if temperature == 1:
        return probabilities
    powers = np.clip(probabilities, _LEAST, 1.0) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def conformal_sets(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Which labels are in each picture's prediction set, (n, labels) of bool.

    Args:
        probabilities: calibrated, (n, labels).
        thresholds: for each label the largest nonconformity 1 - p that is still in the set, (labels,).
    """
    return 1 - probabilities <= thresholds
