"""Paper 3: three convolutional networks for 500x500 pictures, benign or malignant."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from skinmodels import sources
from skinmodels.spec import Claim, ModelSpec, Preprocessing

if TYPE_CHECKING:
    import keras

_SIZE = (500, 500)
# The copies at hand are 300 pixels square: whatever is sharper is reduced to that before it is enlarged as they are.
_PREPROCESSING = Preprocessing(size=_SIZE, source_size=(300, 300), scaling="0..1")
_LABELS = ("benign", "malignant")


def _build(name: str, filters: tuple[int, ...], units: int, kernels: tuple[int, ...] = ()) -> keras.Model:
    """``kernels``: side of each convolution's kernel; those not given are 3."""
    from keras import Input, Sequential, layers

    sides = kernels + (3,) * (len(filters) - len(kernels))
    model = Sequential(name=name)
    model.add(Input((*_SIZE, 3), name="picture"))
    for i, (count, side) in enumerate(zip(filters, sides, strict=True), start=1):
        model.add(layers.Conv2D(count, side, activation="relu", name=f"conv_{i}"))
        model.add(layers.MaxPooling2D(name=f"pool_{i}"))
    model.add(layers.Flatten(name="flatten"))
    model.add(layers.Dropout(0.5, name="dropout"))
    model.add(layers.Dense(units, activation="relu", name="dense_1"))
    model.add(layers.Dense(1, activation="sigmoid", name="malignant"))
    return model


def build_v1() -> keras.Model:
    """Paper 3, first network. Input (n, 500, 500, 3) in 0..1; output (n, 1), the probability of malignant."""
    return _build("siim_cnn_v1", (32, 64, 64, 128, 128), 512)


def build_v2() -> keras.Model:
    """Paper 3, final network (its layer table, not the code printed under it). Input and output as ``build_v1``."""
    return _build("siim_cnn_v2", (32, 64, 64, 128, 256, 512), 1024)


def build_v3() -> keras.Model:
    """Paper 3, the network with large kernels (its layer table). Input and output as ``build_v1``."""
    return _build("siim_cnn_v3", (32, 64, 64, 128, 256, 512), 1024, kernels=(13, 11, 7, 5))


def _spec(
    version: int, title: str, build: Callable[[], keras.Model], params: int, claims: tuple[Claim, ...], note: str
) -> ModelSpec:
    return ModelSpec(
        name=f"siim_cnn_v{version}",
        title=title,
        paper=sources.PAPER_3,
        dataset=sources.SIIM,
        labels=_LABELS,
        preprocessing=_PREPROCESSING,
        build=build,
        params=params,
        claims=claims,
        claim_note=note,
    )


SIIM_CNN_V1 = _spec(
    1,
    "CNN with five convolutions at 500x500",
    build_v1,
    11_354_369,
    (Claim("accuracy", 0.50, "pictures not stated"),),
    'The paper says "around 50 %" of this network, and about 70 % after more layers, and does not say on which pictures.',
)

_HELD_OUT = "33,126 pictures held out"
_BY_COUNTS = "the same pictures, by its own counts"
SIIM_CNN_V2 = _spec(
    2,
    "CNN with six convolutions at 500x500, the final one",
    build_v2,
    14_714_753,
    (
        Claim("accuracy", 0.8572, _HELD_OUT),
        Claim("specificity", 0.8599, _HELD_OUT),
        Claim("sensitivity", 0.7038, _HELD_OUT),
        Claim("accuracy", 0.8611, _BY_COUNTS),
        Claim("specificity", 0.8630, _BY_COUNTS),
        Claim("sensitivity", 0.7551, _BY_COUNTS),
        Claim("accuracy", 0.8304, "its validation pictures"),
        Claim("accuracy", 0.8896, "its training pictures"),
    ),
    "The paper's counts contradict its rates: 28,085 of 32,542 benign pictures right, 441 of 584 malignant ones, 28,526 of all "
    "33,126. Both are given.",
)

SIIM_CNN_V3 = _spec(
    3,
    "CNN with six convolutions and large kernels at 500x500",
    build_v3,
    10_535_809,
    (),
    "The paper calls the large kernels unsuccessful and prints no figure for them.",
)
