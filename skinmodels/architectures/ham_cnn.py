"""Plain convolutional networks for HAM10000, seven classes: at 28x28 (paper 2), and for the full picture (paper 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skinmodels import sources
from skinmodels.spec import Claim, ModelSpec, Preprocessing

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

# The paper's network takes 512 pixels. It ends in a global pool, so that its weights fit any size.
_FULL = 128


def build_cnn512() -> keras.Model:
    """Paper 4, table 1. Input (n, 128, 128, 3) in 0..1; output (n, 7), softmax in the order of ``HAM_LABELS``.

    The table leaves out the rows between 251 and 57 pixels, and ends in five sigmoid units where the task has seven classes.
    Random weights are He's: with Keras's default the answer of ten layers in a row hardly depends on the picture.
    """
    import keras
    from keras import layers

    values = picture = keras.Input((_FULL, _FULL, 3), name="picture")
    for block, (filters, sides) in enumerate(((32, (3, 3, 3)), (64, (3, 3, 3)), (128, (3, 3)), (256, (3, 5))), start=1):
        for i, side in enumerate(sides, start=1):
            how = {"activation": "relu", "kernel_initializer": "he_normal"}
            values = layers.Conv2D(filters, side, name=f"conv_{block}_{i}", **how)(values)
        if block < 4:
            values = layers.MaxPooling2D(name=f"pool_{block}")(values)
    values = layers.GlobalAveragePooling2D(name="average")(values)
    values = layers.Dense(4096, activation="relu", name="dense")(values)
    values = layers.Dropout(0.5, name="dropout")(values)
    values = layers.Dense(len(HAM_LABELS), activation="softmax", name="classes")(values)
    return keras.Model(picture, values, name="ham_cnn512")


_TABLE_3 = "its test pictures, lesions not kept apart"

HAM_CNN512 = ModelSpec(
    name="ham_cnn512",
    title="CNN for full pictures, here at 128x128",
    paper=sources.PAPER_4,
    dataset=sources.HAM10000,
    labels=HAM_LABELS,
    preprocessing=Preprocessing(size=(_FULL, _FULL), source_size=(224, 224), scaling="0..1", equalised=True),
    build=build_cnn512,
    params=3_348_359,
    claims=(
        Claim("accuracy", 0.74, _TABLE_3),
        Claim("weighted_precision", 0.88, _TABLE_3),
        Claim("weighted_recall", 0.74, _TABLE_3),
        Claim("weighted_f1", 0.77, _TABLE_3),
    ),
    claim_note=(
        "The paper's takes pictures of 512x512; this one was trained, and is served, at 128x128. The paper also prints, "
        "by class, precision, recall and F1: akiec .27 .62 .37, bcc .45 .73 .56, bkl 1.00 .09 .17, df .08 .67 .14, "
        "mel .21 .59 .30, nv .95 .82 .88, vasc .67 .73 .70."
    ),
)
