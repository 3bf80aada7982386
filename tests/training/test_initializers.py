"""Random weights fitted to pictures before the first step."""

from __future__ import annotations

import keras
import numpy as np

from skinmodels.registry import MODELS
from training.fitting.fit import at_side
from training.fitting.initializers import standardise


def _before_activations(model: keras.Model, end: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """What convolutions and dense layers up to ``end`` give, as (n, units), written a second way on purpose."""
    found = {}
    for layer in model.layers[: model.layers.index(model.get_layer(end)) + 1]:
        if hasattr(layer, "kernel"):
            taken = keras.Model(model.inputs, layer.input).predict_on_batch(values)
            if layer.kernel.ndim == 2:
                plain = taken @ layer.kernel.numpy()
            else:
                plain = keras.ops.convert_to_numpy(keras.ops.conv(taken, layer.kernel, padding=layer.padding))
            found[layer.name] = (plain + layer.bias.numpy()).reshape(-1, plain.shape[-1])
    return found


def test_every_unit_has_mean_0_and_spread_1():
    keras.utils.set_random_seed(0)
    for name, end, count in (("ham_cnn512", "dense", 11), ("ham_vgg16", "block5_pool", 13)):
        model = at_side(MODELS[name], 96).build()
        last = [weight.copy() for weight in model.layers[-1].get_weights()]
        # Pictures alike but for a little, as those of skin are.
        values = np.random.default_rng(0).normal(0.6, 0.1, (8, 96, 96, 3)).astype(np.float32)
        answers = model.predict_on_batch(values)
        standardise(model, end, values)
        units = _before_activations(model, end, values)
        assert len(units) == count
        for layer, plain in units.items():
            assert np.abs(plain.mean(axis=0)).max() < 1e-2, layer
            spread = plain.std(axis=0)
            assert np.abs(spread[spread > 0] - 1).max() < 1e-2, layer
        assert all((new == old).all() for new, old in zip(model.layers[-1].get_weights(), last, strict=True))
        assert model.predict_on_batch(values).std(axis=0).mean() > 5 * answers.std(axis=0).mean()
