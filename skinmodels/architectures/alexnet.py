"""Paper 5: AlexNet at 64x64 for six classes of ISIC 2019."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skinmodels import sources
from skinmodels.architectures.mobilenet import ISIC_LABELS
from skinmodels.spec import ModelSpec, Preprocessing

if TYPE_CHECKING:
    import keras


def build_alexnet() -> keras.Model:
    """Paper 5, compared network. Input (n, 64, 64, 3) in 0..1; output (n, 6), softmax in the order of ``ISIC_LABELS``.

    Random weights are He's, with which it leaves its start sooner than with Keras's default.
    """
    from keras import Input, Sequential, layers

    def convolution(number: int, count: int, side: int, stride: int = 1) -> keras.Layer:
        how = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
        return layers.Conv2D(count, side, stride, name=f"conv_{number}", **how)

    return Sequential(
        [
            Input((64, 64, 3), name="picture"),
            convolution(1, 96, 11, 4),
            layers.MaxPooling2D(3, 2, name="pool_1"),
            convolution(2, 256, 5),
            layers.MaxPooling2D(3, 2, name="pool_2"),
            convolution(3, 384, 3),
            convolution(4, 384, 3),
            convolution(5, 256, 3),
            layers.MaxPooling2D(3, 2, padding="same", name="pool_3"),
            layers.Flatten(name="flatten"),
            layers.Dense(4096, activation="relu", name="dense_1"),
            layers.Dropout(0.5, name="dropout_1"),
            layers.Dense(4096, activation="relu", name="dense_2"),
            layers.Dropout(0.5, name="dropout_2"),
            layers.Dense(len(ISIC_LABELS), activation="softmax", name="classes"),
        ],
        name="isic_alexnet",
    )


ISIC_ALEXNET = ModelSpec(
    name="isic_alexnet",
    title="AlexNet at 64x64",
    paper=sources.PAPER_5,
    dataset=sources.ISIC2019,
    labels=ISIC_LABELS,
    preprocessing=Preprocessing(size=(64, 64), source_size=(224, 224), scaling="0..1"),
    build=build_alexnet,
    params=24_751_494,
    claim_note="The paper names the network and prints no figure for it.",
)
