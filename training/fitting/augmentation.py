"""Random changes to training pictures that leave the diagnosis as it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


# Under which names KerasCV's layers keep an amount that does not follow their seed.
_FACTORS = ("factor", "x_factor", "y_factor")


@dataclass(frozen=True)
class Augmentation:
    """How far pictures are changed; every amount is drawn anew for each picture, zero leaves that change out.

    Attributes:
        turns: mirror images and right-angle turns, which lose no pixel.
        rotation: share of a full turn, either way, 0..1.
        shift, zoom: share of the side, 0..1.
        shear: tangent of the angle, 0..1.
        brightness: share of the value range, 0..1.
        contrast, saturation: share by which the factor may leave 1.
        hue: share of the colour circle, 0..1.
    """

    turns: bool = True
    rotation: float = 0.0
    shift: float = 0.05
    zoom: float = 0.1
    shear: float = 0.0
    brightness: float = 0.05
    contrast: float = 0.1
    saturation: float = 0.1
    hue: float = 0.02


def augment(pixels: np.ndarray, how: Augmentation, seed: int) -> np.ndarray:
    """Changed copies of uint8 pictures (n, side, side, 3), as float32 in 0..255; the same seed gives the same copies.

    On JAX they stay on its device, where the network takes them.
    """
    import keras

    turns = np.random.default_rng(seed).integers(0, 4, len(pixels)) if how.turns else np.zeros(len(pixels), int)
    turned = np.stack([np.rot90(picture, count) for picture, count in zip(pixels, turns, strict=True)])
    if keras.backend.backend() == "jax":
        return _compiled(how)(turned, np.array([[(seed + i) % 2**31, 0] for i in range(len(_layers(how)))], np.uint32))
    values = keras.ops.convert_to_tensor(turned.astype(np.float32))
    for number, layer in enumerate(_layers(how)):
        _reseed(layer, seed + number)
        values = layer(values, training=True)
    return np.clip(keras.ops.convert_to_numpy(values), 0, 255)


@cache
def _compiled(how: Augmentation) -> Any:
    """All layers as one function of JAX, of pictures and a row of two integers for each layer's generator: one by one, each of
    their operations waits for the one before, which takes longer than a step of a small network."""
    import jax
    import keras

    layers = _layers(how)

    def changed(pictures: Any, seeds: Any) -> Any:
        values = keras.ops.cast(pictures, "float32")
        states = [(layer.generator.state, state) for layer, state in zip(layers, seeds, strict=True)]
        with keras.StatelessScope(state_mapping=states):
            for layer in layers:
                values = layer(values, training=True)
        return keras.ops.clip(values, 0, 255)

    return jax.jit(changed)


def _reseed(layer: keras.Layer, seed: int) -> None:
    """Start the layer's generators anew. ``keras.utils.set_random_seed`` would do, but makes TensorFlow drop every compiled
    function, so that each step of a large network takes seconds."""
    if hasattr(layer, "_random_generator"):  # KerasCV
        layer._random_generator.reset_from_seed(seed)
        for number, factor in enumerate(_FACTORS):
            drawn: Any = getattr(layer, factor, None)
            if hasattr(drawn, "random"):
                drawn.random = np.random.default_rng((seed, number))
    else:  # Keras: two integers
        layer.generator.state.assign(np.array([seed % 2**31, 0]))


@cache  # tracing a KerasCV layer takes seconds
def _layers(how: Augmentation) -> list[keras.Layer]:
    """KerasCV's layers; Keras has layers of the same names, taken on backends that KerasCV does not run on."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import keras_cv.layers as library
    else:
        library = keras.layers
    # Whatever the network computes in, pictures keep their grey levels.
    usual = {"seed": 0, "dtype": "float32"}
    fill = {"fill_mode": "reflect", **usual}
    values = {"value_range": (0, 255), **usual}
    layers = []
    if how.turns:
        layers.append(library.RandomFlip("horizontal", **usual))
    if how.rotation:
        layers.append(library.RandomRotation(how.rotation, **fill))
    if how.shift:
        layers.append(library.RandomTranslation(how.shift, how.shift, **fill))
    if how.zoom:
        layers.append(library.RandomZoom((-how.zoom, how.zoom), **fill))
    if how.shear:
        layers.append(library.RandomShear(how.shear, how.shear, **fill))
    if how.brightness:
        layers.append(library.RandomBrightness(how.brightness, **values))
    if how.contrast:
        layers.append(library.RandomContrast(factor=how.contrast, **values))
    if how.saturation:
        # 0.5 leaves the colour as it is, 0 is grey, 1 is full colour.
        layers.append(library.RandomSaturation((0.5 - how.saturation / 2, 0.5 + how.saturation / 2), **usual))
    if how.hue:
        layers.append(library.RandomHue(how.hue, **values))
    if library is not keras.layers:
        from training.fitting.seeded_factor import SeededFactor

        for layer in layers:
            for factor in _FACTORS:
                bounds: Any = getattr(layer, factor, None)
                if hasattr(bounds, "lower"):  # a sampler; RandomRotation's is a number, drawn by the generator that is reseeded
                    setattr(layer, factor, SeededFactor(bounds.lower, bounds.upper))
    return layers
