"""Training on top of a frozen part of a network, whose features are computed once and kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from skinmodels.spec import Preprocessing
from training.fitting.augmentation import Augmentation, augment

if TYPE_CHECKING:
    import keras

_BATCH = 32


def halves(model: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """The model cut behind ``layer``: from pictures to features, and from features to the answer, sharing its weights."""
    import keras

    features = model.get_layer(layer).output
    return keras.Model(model.inputs, features), keras.Model(features, model.outputs[0])


def features(
    base: keras.Model, pixels: np.ndarray, preprocessing: Preprocessing, how: Augmentation | None, seed: int, file: Path
) -> np.ndarray:
    """What ``base`` makes of uint8 pictures (n, height, width, 3), as float16 (n, ...) in a ``.npy`` file that stays on disk.

    ``how``: pictures are changed that way first, or not at all. A file that exists already is taken as it is: it is written
    beside and renamed once it is whole.
    """
    if not file.exists():
        beside = file.with_name(file.name + ".tmp")
        shape = (len(pixels), *base.output.shape[1:])
        kept = np.lib.format.open_memmap(beside, "w+", np.float16, shape)
        for start in tqdm(range(0, len(pixels), _BATCH), file.name, unit=" batches", mininterval=2):
            rows = slice(start, start + _BATCH)
            changed = pixels[rows] if how is None else augment(pixels[rows], how, seed + start)
            kept[rows] = base.predict_on_batch(preprocessing.scale(changed))
        kept.flush()
        beside.replace(file)
    return np.load(file, mmap_mode="r")


@dataclass(frozen=True)
class Cached:
    """``batches.Pictures`` from features of each picture and its changed copies, of which one is drawn each time."""

    copies: Sequence[np.ndarray]

    def __call__(self, rows: np.ndarray, seed: int) -> np.ndarray:
        drawn = np.random.default_rng(seed).integers(0, len(self.copies), len(rows))
        return np.stack([self.copies[copy][row] for copy, row in zip(drawn, rows, strict=True)]).astype(np.float32)
