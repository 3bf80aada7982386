"""The dense layers that paper 4 puts on pre-trained networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def transfer_head(values: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """From features (n, height, width, channels) to softmax probabilities (n, classes).

    The paper says "dense layers" and "dropout" without their sizes: one of 256 units, half of them dropped.
    """
    from keras import layers

    values = layers.GlobalAveragePooling2D(name="average")(values)
    values = layers.Dropout(0.5, name="dropout_average")(values)
    values = layers.Dense(256, activation="relu", name="dense")(values)
    values = layers.Dropout(0.5, name="dropout_dense")(values)
    return layers.Dense(classes, activation="softmax", name="classes")(values)
