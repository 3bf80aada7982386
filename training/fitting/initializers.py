"""Random weights that let a deep network without batch normalisation learn from its first step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

# A unit that hardly varies is not blown up further than this allows.
_LEAST = 1e-3


def standardise(model: keras.Model, last: str, values: np.ndarray) -> None:
    """Scale the kernels and set the biases of convolutions and dense layers up to the layer ``last``, so that before its
    activation each unit has mean 0 and spread 1 over ``values`` (n, height, width, 3), pictures as the network takes them.

    Layer by layer, of a network whose layers follow one another (Kraehenbuehl et al. 2016, "Data-dependent initializations of
    convolutional neural networks"). Otherwise what all pictures have in common soon hides what they differ in.
    """
    from keras import activations, layers, ops

    answers = ops.convert_to_tensor(values)
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        if isinstance(layer, layers.Conv2D | layers.Dense):
            activation, layer.activation = layer.activation, activations.linear
            plain = ops.convert_to_numpy(ops.cast(layer(answers), "float32"))
            layer.activation = activation
            axes = tuple(range(plain.ndim - 1))
            mean, spread = plain.mean(axes), np.maximum(plain.std(axes), _LEAST)
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel / spread, (bias - mean) / spread])
        if layer.name == last:
            return
        answers = layer(answers, training=False)
