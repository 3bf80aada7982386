"""MobileNetV2: at 64x64 for six classes of ISIC 2019 (paper 5), and two of them for HAM10000 as our own reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skinmodels import sources
from skinmodels.architectures.ham_cnn import HAM_LABELS
from skinmodels.spec import Claim, ModelSpec, Preprocessing

if TYPE_CHECKING:
    import keras

ISIC_LABELS = ("AK", "BCC", "BKL", "MEL", "NV", "SCC")


def build_isic_mobilenet() -> keras.Model:
    """Paper 5, MobileNet table. Input (n, 64, 64, 3) in -1..1; output (n, 6), softmax in the order of ``ISIC_LABELS``.

    The table printed is MobileNetV2's, width 1.0. The layer "out_relu" ends the part that ImageNet weights exist for.
    """
    return _mobilenet("isic_mobilenet", 64, len(ISIC_LABELS))


def build_ham_reference() -> keras.Model:
    """Our own, of no paper. Input (n, 192, 192, 3) in -1..1; output (n, 7), softmax in the order of ``HAM_LABELS``.

    The mean of two networks, of which one sees the picture smaller: layers "at_160" and "at_192", each trained by itself.
    """
    import keras
    from keras import layers

    picture = keras.Input((192, 192, 3), name="picture")
    smaller = layers.Resizing(160, 160, name="smaller")(picture)
    answers = [
        _mobilenet("at_160", 160, len(HAM_LABELS))(smaller),
        _mobilenet("at_192", 192, len(HAM_LABELS))(picture),
    ]
    return keras.Model(picture, layers.Average(name="mean")(answers), name="ham_reference")


def _mobilenet(name: str, side: int, classes: int) -> keras.Model:
    import keras
    from keras import layers

    base = keras.applications.MobileNetV2(input_shape=(side, side, 3), include_top=False, weights=None)
    values = layers.GlobalAveragePooling2D(name="average")(base.output)
    values = layers.Dropout(0.3, name="dropout")(values)
    values = layers.Dense(classes, activation="softmax", name="classes")(values)
    return keras.Model(base.input, values, name=name)


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

HAM_REFERENCE = ModelSpec(
    name="ham_reference",
    title="Our reference: two MobileNetV2, at 160x160 and 192x192",
    paper=None,
    dataset=sources.HAM10000,
    labels=HAM_LABELS,
    preprocessing=Preprocessing(size=(192, 192), source_size=(224, 224), scaling="-1..1"),
    build=build_ham_reference,
    params=4_533_902,
    claim_note=(
        "Our own, of no paper: what the papers' networks on this set are measured against. The mean of two networks, of "
        "which the second was trained on from the first, on larger pictures. Both were fine-tuned in full, with a loss that "
        "evens the classes (logit adjustment, Menon et al. 2021), mirror images, right-angle turns, shifts, zoom, colour "
        "changes and MixUp; their weights are moving averages."
    ),
    mirrored=True,
)
