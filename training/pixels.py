"""Pictures of a part decoded once, to the uint8 pixels the network sees."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from skinmodels.spec import Preprocessing
from training.datasets import Sample


def decode(samples: Sequence[Sample], preprocessing: Preprocessing, title: str) -> np.ndarray:
    """All pictures as uint8 (n, height, width, 3). Raises SkinModelError naming the first that cannot be read."""
    pixels = np.empty((len(samples), *preprocessing.size, 3), np.uint8)
    with ThreadPoolExecutor(2) as pool:
        decoded = pool.map(lambda sample: preprocessing.pixels(sample.file.open()), samples)
        for i, picture in enumerate(tqdm(decoded, title, len(samples), unit=" pictures", mininterval=1)):
            pixels[i] = picture
    return pixels
