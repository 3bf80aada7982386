"""Amounts for KerasCV's colour layers that follow a seed: those it draws itself do not."""

import numpy as np
import tensorflow as tf
from keras_cv.core import FactorSampler


class SeededFactor(FactorSampler):
    """Uniform amounts between two bounds from a generator that can be set anew."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high
        self.random = np.random.default_rng(0)

    def __call__(self, shape: tuple = (), dtype: str = "float32") -> tf.Tensor:
        return tf.constant(self.random.uniform(self.low, self.high, tuple(int(side) for side in shape)), dtype)

    def get_config(self) -> dict:
        return {"low": self.low, "high": self.high}
