"""Paper 1: two plain convolutional networks for 224x224 pictures, benign or malignant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skinmodels import sources
from skinmodels.spec import Claim, ModelSpec, Preprocessing

if TYPE_CHECKING:
    import keras

_SIZE = (224, 224)
_PREPROCESSING = Preprocessing(size=_SIZE, source_size=_SIZE, scaling="0..1")
_LABELS = ("benign", "malignant")


def _build(name: str, filters: tuple[int, ...], padding: str) -> keras.Model:
    from keras import Input, Sequential, layers

    model = Sequential(name=name)
    model.add(Input((*_SIZE, 3), name="picture"))
    for i, count in enumerate(filters, start=1):
        model.add(layers.Conv2D(count, 3, padding=padding, activation="relu", name=f"conv_{i}"))
        model.add(layers.MaxPooling2D(name=f"pool_{i}"))
    model.add(layers.Flatten(name="flatten"))
    model.add(layers.Dense(64, activation="relu", name="dense_1"))
    model.add(layers.Dense(1, activation="sigmoid", name="malignant"))
    return model


def build_large() -> keras.Model:
    """Paper 1, figure 7. Input (n, 224, 224, 3) in 0..1; output (n, 1), the probability of malignant."""
    return _build("kaggle_cnn_large", (16, 32), "same")


def build_small() -> keras.Model:
    """Paper 1, figure 12. Input (n, 224, 224, 3) in 0..1; output (n, 1), the probability of malignant."""
    return _build("kaggle_cnn_small", (32, 32, 64), "valid")


KAGGLE_CNN_LARGE = ModelSpec(
    name="kaggle_cnn_large",
    title="CNN with two convolutions",
    paper=sources.PAPER_1,
    dataset=sources.KAGGLE,
    labels=_LABELS,
    preprocessing=_PREPROCESSING,
    build=build_large,
    params=6_427_745,
    claims=(
        Claim("accuracy", 0.9354, "its training pictures, last epoch"),
        Claim("accuracy", 0.8288, "its validation pictures, last epoch"),
    ),
    claim_note="The headline of 93 % is an accuracy on training pictures; its own validation column never passes 83.72 %.",
)

KAGGLE_CNN_SMALL = ModelSpec(
    name="kaggle_cnn_small",
    title="CNN with three convolutions",
    paper=sources.PAPER_1,
    dataset=sources.KAGGLE,
    labels=_LABELS,
    preprocessing=_PREPROCESSING,
    build=build_small,
    params=2_797_665,
    claims=(Claim("accuracy", 0.74, "pictures not stated"),),
    claim_note="The paper's conclusion says 73 % for the same network.",
)
