"""Paper 2: a convolutional network for HAM10000 at 28x28, seven classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skinmodels import sources
from skinmodels.spec import ModelSpec, Preprocessing

if TYPE_CHECKING:
    import keras

HAM_LABELS = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def build_cnn28() -> keras.Model:
    """Paper 2, section III. Input (n, 28, 28, 3) in 0..1; output (n, 7), softmax in the order of ``HAM_LABELS``."""
    from keras import Input, Sequential, layers

    def convolution(count: int) -> keras.Layer:
        return layers.Conv2D(count, 3, padding="same", activation="relu", name=f"conv_{count}")

    model = Sequential(
        [
            Input((28, 28, 3), name="picture"),
            convolution(16),
            layers.MaxPooling2D(name="pool_1"),
            layers.BatchNormalization(name="norm_1"),
            convolution(32),
            convolution(64),
            layers.MaxPooling2D(name="pool_2"),
            layers.BatchNormalization(name="norm_2"),
            convolution(128),
            convolution(256),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.2, name="dropout_flat"),
        ],
        name="ham_cnn28",
    )
    for units in (256, 128, 64, 32):
        model.add(layers.Dense(units, activation="relu", name=f"dense_{units}"))
        model.add(layers.BatchNormalization(name=f"norm_dense_{units}"))
        if units > 32:
            model.add(layers.Dropout(0.2, name=f"dropout_{units}"))
    model.add(layers.Dense(len(HAM_LABELS), activation="softmax", name="classes"))
    return model


HAM_CNN28 = ModelSpec(
    name="ham_cnn28",
    title="CNN at 28x28",
    paper=sources.PAPER_2,
    dataset=sources.HAM10000,
    labels=HAM_LABELS,
    # The set's usual copies are 224 pixels square; hmnist_28_28_RGB.csv holds them at 28 already.
    preprocessing=Preprocessing(size=(28, 28), source_size=(224, 224), scaling="0..1"),
    build=build_cnn28,
    params=3_649_831,
    claim_note='The paper prints "X percent" where its accuracy should stand: it claims no figure.',
)
