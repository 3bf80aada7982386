"""Paper 4: VGG-16 for HAM10000 at 224x224."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skinmodels import sources
from skinmodels.architectures.ham_cnn import HAM_LABELS
from skinmodels.architectures.head import transfer_head
from skinmodels.spec import Claim, ModelSpec, Preprocessing

if TYPE_CHECKING:
    import keras

# Filters of each block's convolutions, and how many there are.
_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def build_vgg16() -> keras.Model:
    """Paper 4, transfer learning. Input (n, 224, 224, 3), scaled by ImageNet's mean and spread; output (n, 7), softmax in the
    order of ``HAM_LABELS``.

    Layers and names up to "block5_pool" as in ``keras.applications.VGG16``, whose weights fit. Random weights are He's: with
    Keras's default the answer of thirteen layers in a row does not depend on the picture.
    """
    import keras
    from keras import layers

    values = picture = keras.Input((224, 224, 3), name="picture")
    for block, (filters, count) in enumerate(_BLOCKS, start=1):
        for i in range(1, count + 1):
            how = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
            values = layers.Conv2D(filters, 3, name=f"block{block}_conv{i}", **how)(values)
        values = layers.MaxPooling2D(name=f"block{block}_pool")(values)
    return keras.Model(picture, transfer_head(values, len(HAM_LABELS)), name="ham_vgg16")


HAM_VGG16 = ModelSpec(
    name="ham_vgg16",
    title="VGG-16 at 224x224",
    paper=sources.PAPER_4,
    dataset=sources.HAM10000,
    labels=HAM_LABELS,
    preprocessing=Preprocessing(size=(224, 224), source_size=(224, 224), scaling="imagenet", equalised=True),
    build=build_vgg16,
    params=14_714_688 + 512 * 256 + 256 + 256 * 7 + 7,
    claims=(Claim("accuracy", 0.78, "its test pictures, lesions not kept apart"),),
    claim_note="The paper's network started from ImageNet weights; the one here started from random ones.",
)
