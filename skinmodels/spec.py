"""The record that makes a set of weights usable: what a network is, eats, answers and was claimed to reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    import keras

Scaling = Literal["0..1", "-1..1", "imagenet"]

_SCALING_WORDS = {"0..1": "scaled to 0..1", "-1..1": "scaled to -1..1", "imagenet": "scaled by ImageNet's mean and spread"}

# Of ImageNet's pictures in 0..1, by channel.
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass(frozen=True)
class Preprocessing:
    """From an RGB picture to the array a network was trained on; training and serving both go through here.

    A picture is squashed to ``size`` whatever its shape, as the papers do. Pictures larger than the copies the network
    was trained on (``source_size``) are reduced to that first, so that a sharp original looks like a training picture.

    Attributes:
        size: height and width the network takes, in pixels.
        source_size: height and width at which the training pictures were stored, in pixels.
        scaling: range of the float32 values the network takes.
        equalised: whether the histogram of brightness is equalised at the network's size, colours kept.
    """

    size: tuple[int, int]
    source_size: tuple[int, int]
    scaling: Scaling
    equalised: bool = False

    def picture(self, image: Image.Image) -> Image.Image:
        """The network's view as an RGB picture of exactly ``size``, from an RGB picture of any size."""
        picture = _bilinear(self.reduced(image), self.size)
        return _equalised(picture) if self.equalised else picture

    def reduced(self, image: Image.Image) -> Image.Image:
        """The first step alone: an RGB picture of at most ``source_size``, of which ``picture`` makes the same view."""
        return _bilinear(image, self._reduced((image.height, image.width)))

    def pixels(self, image: Image.Image) -> np.ndarray:
        """``picture`` as a uint8 array (height, width, 3), values 0..255."""
        return np.asarray(self.picture(image), dtype=np.uint8)

    def scale(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels 0..255 of any shape as the float32 values the network takes; the argument is left as it is.

        Takes arrays of NumPy and of JAX, and gives the same kind back.
        """
        values = pixels.astype(np.float32)
        if self.scaling == "-1..1":
            return values / np.float32(127.5) - np.float32(1)
        values = values / np.float32(255)
        return values if self.scaling == "0..1" else (values - MEAN) / SPREAD

    def words(self, size: tuple[int, int]) -> str:
        """What is done to a picture of this height and width, in one line for people."""
        height, width = self._reduced(size)
        first = "" if (height, width) in (size, self.size) else f"reduced to {width}x{height}, "
        second = "enlarged" if height < self.size[0] and width < self.size[1] else "squashed"
        then = "histogram equalised, " if self.equalised else ""
        return f"{first}{second} to {self.size[1]}x{self.size[0]}, bilinear, {then}{_SCALING_WORDS[self.scaling]}"

    def _reduced(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width after the first step, which only ever reduces."""
        return min(size[0], self.source_size[0]), min(size[1], self.source_size[1])


def _bilinear(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Resize to (height, width) with Pillow's bilinear filter, which averages over all source pixels when reducing."""
    height, width = size
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.BILINEAR)


def _equalised(picture: Image.Image) -> Image.Image:
    """Histogram equalisation of the luma alone, so that no colour changes its hue."""
    luma, blue, red = picture.convert("YCbCr").split()
    return Image.merge("YCbCr", (ImageOps.equalize(luma), blue, red)).convert("RGB")


@dataclass(frozen=True)
class Paper:
    """A published paper: number in this project, citation in one line, link where there is one."""

    number: int
    citation: str
    url: str = ""


@dataclass(frozen=True)
class Claim:
    """A figure as a paper prints it. ``value`` is a share 0..1, ``where`` the data the paper took it on."""

    metric: str
    value: float
    where: str


@dataclass(frozen=True)
class Yardstick:
    """A record that a set's models are to be measured against, and what it stands for, in words."""

    record: str
    words: str


@dataclass(frozen=True)
class DataSet:
    """A public set of pictures, with everything that page, cards and training must know or say of it.

    Attributes:
        key, title, licence, url: its name in the code and for people, and where it comes from.
        tab: under which its models are served, the endpoint under ``key``; empty for a set that is for measuring alone.
        split: how it is parted unless told otherwise, as ``training.data.splits`` has it; empty where all of it is tested on.
        tested_on: a sentence on the pictures that models of other sets are measured on.
        shares: other sets that have its pictures under other names; what a clean part leaves out for those, too.
        confounder: a sentence on what gives its classes away besides the lesion, and ``given_away``, baselines that see nothing
            else.
        caveats: sentences on what its models cannot be good for.
        yardsticks: what its models' figures are shown beside.
        common: its codes as those of other sets with the same meaning, where they differ.
        disputed: a code of its own that counts as malignant here, and as no cancer in its own paper.
    """

    key: str
    title: str
    tab: str
    licence: str
    url: str
    split: str = ""
    tested_on: str = ""
    shares: tuple[DataSet, ...] = ()
    confounder: str = ""
    given_away: tuple[Yardstick, ...] = ()
    caveats: tuple[str, ...] = ()
    yardsticks: tuple[Yardstick, ...] = ()
    common: tuple[tuple[str, str], ...] = ()
    disputed: str = ""


@dataclass(frozen=True)
class ModelSpec:
    """Everything that makes a weights file usable.

    Attributes:
        name: key in the registry; weights stand in ``weights/<name>.weights.h5``.
        title: what people are shown.
        paper: where the network comes from; None for a network of our own.
        dataset: what it was trained on.
        labels: class codes in output order. Two labels with one sigmoid unit: the unit is the probability of the second.
        preprocessing: from picture to input.
        build: makes the network with random weights; imports keras itself, so that a spec can be read without it.
        params: parameter count, trainable and not, a contract.
        claims: what the paper says it reached; empty where it prints no figure.
        claim_note: one sentence on what the claims are worth.
        mirrored: whether its answer is the mean over the picture and its mirror image.
    """

    name: str
    title: str
    paper: Paper | None
    dataset: DataSet
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    build: Callable[[], keras.Model]
    params: int
    claims: tuple[Claim, ...] = ()
    claim_note: str = ""
    mirrored: bool = False

    @property
    def binary(self) -> bool:
        """Whether the network ends in one sigmoid unit."""
        return len(self.labels) == 2

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Network outputs (n, 1) or (n, classes) as float64 probabilities (n, labels) in label order."""
        values = np.asarray(outputs, dtype=np.float64)
        return np.concatenate([1 - values, values], axis=1) if self.binary else values

    def ask(self, network: keras.Model, values: np.ndarray) -> np.ndarray:
        """What is served: float64 probabilities (n, labels) of the network's input (n, height, width, 3), in one call."""
        rows = self.probabilities(network.predict_on_batch(self.views(values)))
        return rows.reshape(-1, len(values), len(self.labels)).mean(axis=0)

    def views(self, values: np.ndarray) -> np.ndarray:
        """What the network is asked for, of its input (n, height, width, 3): that, and if ``mirrored`` its mirror images."""
        return np.concatenate([values, values[:, :, ::-1]]) if self.mirrored else values
