"""ResNet-50 v2: at 224x224 for HAM10000 (paper 4) and at 64x64 for six classes of ISIC 2019 (paper 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skinmodels import sources
from skinmodels.architectures.ham_cnn import HAM_LABELS
from skinmodels.architectures.head import transfer_head
from skinmodels.architectures.mobilenet import ISIC_LABELS
from skinmodels.spec import Claim, ModelSpec, Preprocessing

if TYPE_CHECKING:
    import keras

# Units of each stage, and how many channels a unit's middle convolution has; it puts out four times as many.
_STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))
_EPSILON = 1e-5


def build_ham_resnet50() -> keras.Model:
    """Paper 4, transfer learning. Input (n, 224, 224, 3), scaled by ImageNet's mean and spread; output (n, 7), softmax in the
    order of ``HAM_LABELS``.

    The variant is the one that weights are at hand for: pre-activation (He et al. 2016, "Identity mappings"), strided in the
    3x3 convolutions. The layer "stage3_unit6_add" ends the part that ImageNet weights exist for.
    """
    return _resnet("ham_resnet50", 224, len(HAM_LABELS))


def build_isic_resnet50() -> keras.Model:
    """Paper 5, compared network. Input (n, 64, 64, 3), scaled by ImageNet's mean and spread; output (n, 6), softmax in the
    order of ``ISIC_LABELS``. Layers as in ``build_ham_resnet50``."""
    return _resnet("isic_resnet50", 64, len(ISIC_LABELS))


def _resnet(name: str, side: int, classes: int) -> keras.Model:
    import keras
    from keras import layers

    picture = keras.Input((side, side, 3), name="picture")
    values = layers.BatchNormalization(epsilon=_EPSILON, name="batchnorm0")(picture)
    values = layers.ZeroPadding2D(3, name="pad0")(values)
    values = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv0")(values)
    values = _active(values, "batchnorm1")
    values = layers.ZeroPadding2D(1, name="pad1")(values)
    values = layers.MaxPooling2D(3, strides=2, name="pool")(values)
    for stage, (units, channels) in enumerate(_STAGES, start=1):
        for unit in range(1, units + 1):
            values = _unit(values, f"stage{stage}_unit{unit}", channels, 2 if stage > 1 and unit == 1 else 1, unit == 1)
    return keras.Model(picture, transfer_head(_active(values, "batchnorm2"), classes), name=name)


def _unit(values: keras.KerasTensor, name: str, channels: int, stride: int, projected: bool) -> keras.KerasTensor:
    """Norm and relu before each of three convolutions, added to the unit's input, or to a projection of it behind its relu."""
    from keras import layers

    def convolution(of: keras.KerasTensor, part: str, count: int, side: int = 1, stride: int = 1) -> keras.KerasTensor:
        if stride == 2 and side == 3:  # on the same pixels as the weights' own framework, which "same" is not
            of = layers.ZeroPadding2D(1, name=f"{name}_pad")(of)
        padding = "valid" if stride == 2 else "same"
        return layers.Conv2D(count, side, stride, padding, use_bias=False, name=f"{name}_{part}")(of)

    active = _active(values, f"{name}_norm1")
    shortcut = convolution(active, "shortcut", 4 * channels, stride=stride) if projected else values
    inner = convolution(active, "conv1", channels)
    inner = convolution(_active(inner, f"{name}_norm2"), "conv2", channels, 3, stride)
    inner = convolution(_active(inner, f"{name}_norm3"), "conv3", 4 * channels)
    return layers.Add(name=f"{name}_add")([inner, shortcut])


def _active(values: keras.KerasTensor, norm: str) -> keras.KerasTensor:
    from keras import layers

    return layers.ReLU(name=f"{norm}_relu")(layers.BatchNormalization(epsilon=_EPSILON, name=norm)(values))


HAM_RESNET50 = ModelSpec(
    name="ham_resnet50",
    title="ResNet-50 at 224x224",
    paper=sources.PAPER_4,
    dataset=sources.HAM10000,
    labels=HAM_LABELS,
    preprocessing=Preprocessing(size=(224, 224), source_size=(224, 224), scaling="imagenet", equalised=True),
    build=build_ham_resnet50,
    params=24_072_403,
    claims=(Claim("accuracy", 0.9051, "its test pictures, lesions not kept apart"),),
    claim_note=(
        "Two thirds of the set are nevi, and the paper does not keep the pictures of one lesion together: its accuracy is not "
        "one on lesions never seen."
    ),
)

ISIC_RESNET50 = ModelSpec(
    name="isic_resnet50",
    title="ResNet-50 at 64x64",
    paper=sources.PAPER_5,
    dataset=sources.ISIC2019,
    labels=ISIC_LABELS,
    preprocessing=Preprocessing(size=(64, 64), source_size=(224, 224), scaling="imagenet"),
    build=build_isic_resnet50,
    params=24_072_146,
    claim_note="The paper names the network and prints no figure for it.",
)
