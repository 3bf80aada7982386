"""Paper 5: MobileNetV2 at 64x64 for six classes of ISIC 2019."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skinmodels import sources
from skinmodels.spec import Claim, ModelSpec, Preprocessing

if TYPE_CHECKING:
    import keras

ISIC_LABELS = ("AK", "BCC", "BKL", "MEL", "NV", "SCC")


def build_isic_mobilenet() -> keras.Model:
    """Paper 5, MobileNet table. Input (n, 64, 64, 3) in -1..1; output (n, 6), softmax in the order of ``ISIC_LABELS``.

    The table printed is MobileNetV2's, width 1.0. The layer "out_relu" ends the part that ImageNet weights exist for.
    """
    import keras
    from keras import layers

    base = keras.applications.MobileNetV2(input_shape=(64, 64, 3), include_top=False, weights=None)
    values = layers.GlobalAveragePooling2D(name="average")(base.output)
    values = layers.Dropout(0.3, name="dropout")(values)
    values = layers.Dense(len(ISIC_LABELS), activation="softmax", name="classes")(values)
    return keras.Model(base.input, values, name="isic_mobilenet")


ISIC_MOBILENET = ModelSpec(
    name="isic_mobilenet",
    title="MobileNetV2 at 64x64",
    paper=sources.PAPER_5,
    dataset=sources.ISIC2019,
    labels=ISIC_LABELS,
    preprocessing=Preprocessing(size=(64, 64), source_size=(224, 224), scaling="-1..1"),
    build=build_isic_mobilenet,
    params=2_265_670,
    claims=(Claim("accuracy", 0.97, "pictures not stated"),),
    claim_note="The paper does not say which pictures its 97 % was taken on, nor that lesions were kept apart.",
)
