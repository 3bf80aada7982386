"""The ImageNet weights a network starts from: from a file, or from Keras, which downloads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skinmodels import lfs
from skinmodels.errors import SkinModelError
from skinmodels.spec import SPREAD

if TYPE_CHECKING:
    import keras


def load_start(model: keras.Model, layer: str, file: str | None) -> None:
    """Give ``model`` ImageNet weights up to and including ``layer``.

    ``file``: a ``.weights.h5`` of that part, or a ``.npz`` of arrays for a ResNet-50 v2; None takes Keras's own.
    Raises SkinModelError where they do not fit or cannot be had.
    """
    import keras

    base = keras.Model(model.inputs, model.get_layer(layer).output)
    try:
        if file is None:
            base.set_weights(_online(model.name, layer))
        elif Path(file).suffix == ".npz":
            _load_resnet(base, file)
        else:
            base.load_weights(file)
    except (OSError, ValueError, KeyError) as error:
        # Keras goes on with a list of every layer behind the first line.
        why = lfs.why(file or "", error)
        raise SkinModelError(
            f"Expected ImageNet weights for {model.name} up to {layer} in {file or 'Keras'}. Received: {why}"
        ) from error


def _online(name: str, layer: str) -> list[np.ndarray]:
    """Keras's ImageNet weights of the convolutional part of that network, which that layer ends."""
    import keras

    start = STARTS.get(layer)
    if start is None or not start.application:
        raise SkinModelError(f"Expected --start FILE, since Keras has no ImageNet weights for {name}. Received: no file")
    make = getattr(keras.applications, start.application)
    try:
        found = make(input_shape=(224, 224, 3), include_top=False, weights="imagenet").get_weights()
    except Exception as error:  # whatever the download raises
        raise SkinModelError(f"Expected to download Keras's ImageNet weights, or --start FILE. Received: {error}") from error
    return start.adapted(found)


def for_scaled_rgb(weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Weights of Keras's VGG-16, made to take red, green, blue scaled by ImageNet's mean and spread.

    Keras's take blue, green, red as 0..255 less their mean, up to half a grey level the same as ImageNet's: only the first
    kernel (3, 3, 3, 64) becomes another one.
    """
    kernel, *others = weights
    return [kernel[:, :, ::-1] * (255 * SPREAD)[:, None], *others]


@dataclass(frozen=True)
class Start:
    """ImageNet weights that networks start from.

    Attributes:
        title: of the network they were trained for, in words.
        repository: on the Hugging Face Hub, which has them.
        file: looked for beside the pictures; empty where they are downloaded only.
        application: Keras's function that downloads them; empty where Keras has none.
        adapted: makes Keras's weights those of this project's network.
    """

    title: str
    repository: str
    file: str = ""
    application: str = ""
    adapted: Callable[[Sequence[np.ndarray]], list[np.ndarray]] = list


# By the layer that ends the part they are of, which a recipe names.
STARTS = {
    "out_relu": Start(
        "MobileNetV2", "google/mobilenet_v2_1.0_224", "mobilenet_v2_imagenet_notop.weights.h5", application="MobileNetV2"
    ),
    "stage3_unit6_add": Start(
        "ResNet-50 v2 up to its third stage", "onnxmodelzoo/legacy_models", "resnet50v2_imagenet_stages123.npz"
    ),
    "block5_pool": Start("VGG-16", "keras-team/vgg", application="VGG16", adapted=for_scaled_rgb),
}


def _load_resnet(base: keras.Model, file: str) -> None:
    """Arrays under the names of the ONNX model zoo's resnet50-v2-7: ``stage2_conv5_weight`` (height, width, in, out),
    ``stage2_batchnorm4_gamma`` and so on, numbered through each stage; the fourth convolution of a stage is its shortcut."""
    with np.load(file) as arrays:
        for layer in base.layers:
            if layer.weights:
                layer.set_weights([arrays[key].astype(np.float32) for key in keys(layer.name)])


def keys(layer: str) -> list[str]:
    """The arrays of a layer of ``architectures/resnet50.py``."""
    stage, _, rest = layer.partition("_unit")
    if not rest:
        name = layer
    else:
        unit, _, part = rest.partition("_")
        before = int(unit) - 1
        if part.startswith("norm"):
            name = f"{stage}_batchnorm{3 * before + int(part[-1]) - 1}"
        elif part == "shortcut":
            name = f"{stage}_conv3"
        else:
            # From the second unit on, the shortcut of the first one counts too.
            name = f"{stage}_conv{3 * before + int(part[-1]) - 1 + (before > 0)}"
    parts = ("gamma", "beta", "running_mean", "running_var") if "batchnorm" in name else ("weight",)
    return [f"{name}_{part}" for part in parts]
