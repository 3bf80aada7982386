"""Pictures of a part decoded once, to the uint8 pixels the network sees."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from skinmodels.spec import Preprocessing
from training.data.datasets import Sample

# Bytes from which on pixels are kept in a file, such as SIIM-ISIC 2020's at 500x500, which are 17 GB.
IN_MEMORY = 6 * 1024**3


def decode(samples: Sequence[Sample], preprocessing: Preprocessing, title: str) -> np.ndarray:
    """All pictures as uint8 (n, height, width, 3), of large sets in a temporary file that is gone when the array is.

    Raises SkinModelError naming the first that cannot be read.
    """
    pixels = _room((len(samples), *preprocessing.size, 3))
    with ThreadPoolExecutor(2) as pool:
        decoded = pool.map(lambda sample: preprocessing.pixels(sample.file.open()), samples)
        for i, picture in enumerate(tqdm(decoded, title, len(samples), unit=" pictures", mininterval=1)):
            pixels[i] = picture
    return pixels


def _room(shape: tuple[int, ...]) -> np.ndarray:
    if math.prod(shape) <= IN_MEMORY:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)
