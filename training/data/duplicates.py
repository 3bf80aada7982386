"""Pictures that are the same photograph, or nearly: perceptual hashes find candidates, pixels decide.

Every picture is squashed to a square, so that a 600x450 original and its 224x224 copy compare. All eight views (four quarter
turns, each also mirrored) of one picture are held against the other as it is. Candidates differ in few bits of imagehash's
pHash. What decides is the correlation of local texture: the picture less its blurred self, over its local contrast, inside
the round or square field a dermatoscope leaves, taken at the best of small shifts. Brightness, colour, vignettes and the
smooth dark-blob-on-skin shape that different lesions share drop out of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import imagehash
import numpy as np
import pandas as pd
from PIL import Image
from scipy import fft, ndimage
from tqdm import tqdm

from training.data.datasets import Sample

# Pictures are compared as grey squares of this side.
SIDE = 64
# Candidates: at most so many of the 64 bits of their hashes differ.
HASH_DISTANCE = 12
# A picture may be shifted by so many pixels of the square (6 % of its side) against its near-duplicate.
SHIFT = 4
# Near-duplicates: at least this correlation of texture. How it was chosen stands in training/audit.py.
CORRELATION = 0.45

VIEWS = (
    "as it is",
    "rotated 90",
    "rotated 180",
    "rotated 270",
    "mirrored",
    "mirrored, rotated 90",
    "mirrored, rotated 180",
    "mirrored, rotated 270",
)

_FRAME_GREY = 45  # the black round a dermatoscope's field is darker
_RIM = 5  # pixels from black to full light at the edge of that field
_BLOCK = 2048


@dataclass(frozen=True)
class Thumbnails:
    """What is kept of n pictures: ``grey`` (n, SIDE, SIDE) uint8, and ``digests``, equal for equal pixels at full size."""

    grey: np.ndarray
    digests: list[str]


def thumbnails(samples: Sequence[Sample]) -> Thumbnails:
    """Decodes each picture once. Raises SkinModelError naming the first that cannot be read."""
    with ThreadPoolExecutor(2) as pool:
        made = list(tqdm(pool.map(_thumbnail, samples), "pictures", len(samples), unit=" pictures", mininterval=5))
    return Thumbnails(np.array([grey for grey, _ in made], np.uint8).reshape(-1, SIDE, SIDE), [digest for _, digest in made])


def _thumbnail(sample: Sample) -> tuple[np.ndarray, str]:
    picture = sample.file.open()
    digest = hashlib.sha256(str(picture.size).encode() + picture.tobytes()).hexdigest()
    return np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)), digest


def view(pictures: np.ndarray, number: int) -> np.ndarray:
    """(..., side, side) seen as ``VIEWS[number]``: mirrored left to right first, then turned anticlockwise."""
    mirrored = pictures[..., ::-1] if number >= 4 else pictures
    return np.rot90(mirrored, number % 4, axes=(-2, -1))


def find(pictures: Thumbnails, hash_distance: int = HASH_DISTANCE, correlation: float = CORRELATION) -> pd.DataFrame:
    """Every pair of duplicates, each once, in its best view.

    Returns:
        Columns a < b (rows in ``pictures``), kind ("exact": the same pixels at full size, or "near"), hash_distance (bits
        of 64), correlation (of texture, -1..1), distance (mean absolute difference, grey levels of 0..255, without shift),
        view (index into VIEWS: b so seen is a).
    """
    found = measured(pictures.grey, candidates(pictures.grey, hash_distance))
    digests = np.array(pictures.digests)
    exact = digests[found["a"]] == digests[found["b"]]
    # Of two pictures with the same pixels it is known which view is theirs, also where they have no texture at all.
    found.loc[exact, "correlation"] = np.where(found.loc[exact, "view"] == 0, 1.0, -1.0)
    found["kind"] = np.where(exact, "exact", "near")
    found = found[found["correlation"] >= correlation]
    best = found.sort_values(["correlation", "view"], ascending=[False, True], kind="stable").drop_duplicates(["a", "b"])
    return best.sort_values(["a", "b"]).reset_index(drop=True)


def hashes(grey: np.ndarray) -> np.ndarray:
    """The 64 bits of imagehash's pHash of (n, SIDE, SIDE) uint8, as (n, 64) float32 of -1 and 1."""
    bits = np.empty((len(grey), 64), np.float32)
    for row, picture in zip(bits, grey, strict=True):
        row[:] = imagehash.phash(Image.fromarray(np.ascontiguousarray(picture))).hash.ravel()
    return bits * 2 - 1


def candidates(grey: np.ndarray, hash_distance: int) -> pd.DataFrame:
    """Pairs a < b and the views in which at most so many bits of their hashes differ: columns a, b, view, hash_distance."""
    own = hashes(grey)
    found = []
    for number in range(len(VIEWS)):
        seen = own if number == 0 else hashes(view(grey, number))
        for start in range(0, len(own), _BLOCK):
            # Of two vectors of -1 and 1 the product tells in how many places they differ.
            least = 64 - 2 * hash_distance
            product = own[start : start + _BLOCK] @ seen[start:].T
            a, b = np.nonzero(product >= least)
            a, b = a[a < b], b[a < b]
            distance = ((64 - product[a, b]) / 2).astype(np.int16)
            found.append(pd.DataFrame({"a": a + start, "b": b + start, "view": number, "hash_distance": distance}))
    return pd.concat(found, ignore_index=True)


def measured(grey: np.ndarray, pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs with the correlation of their texture and the distance of their grey levels."""
    texture = textures(grey)
    correlation = np.empty(len(pairs), np.float32)
    distance = np.empty(len(pairs), np.float32)
    for rows, number in _blocks(pairs["view"].to_numpy()):
        a, b = pairs["a"].to_numpy()[rows], pairs["b"].to_numpy()[rows]
        correlation[rows] = correlations(texture[a], view(texture[b], number))
        distance[rows] = np.abs(grey[a].astype(np.int16) - view(grey[b], number)).mean((1, 2))
    return pairs.assign(correlation=correlation, distance=distance)


def _blocks(views: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """Rows of one view, not too many at a time, with the view."""
    for number in range(len(VIEWS)):
        rows = np.flatnonzero(views == number)
        for start in range(0, len(rows), _BLOCK):
            yield rows[start : start + _BLOCK], number


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The highest product (n,) of unit textures (n, SIDE, SIDE) over shifts of at most SHIFT pixels each way."""
    product = fft.irfft2(fft.rfft2(a).conj() * fft.rfft2(np.ascontiguousarray(b)), s=(SIDE, SIDE))
    near = np.r_[0 : SHIFT + 1, SIDE - SHIFT : SIDE]
    return product[:, near][:, :, near].max((1, 2))


def textures(grey: np.ndarray) -> np.ndarray:
    """Local texture of (n, SIDE, SIDE) uint8 as float32 of unit length, 0 outside the field; all 0 where it is flat."""
    texture = np.empty(grey.shape, np.float32)
    for start in range(0, len(grey), _BLOCK):
        block = grey[start : start + _BLOCK].astype(np.float32)
        detail = block - _blurred(block, 2)
        contrast = np.sqrt(_blurred(detail * detail, 4) + 4)
        kept = np.clip(detail / contrast, -3, 3) * _field(block)
        length = np.sqrt((kept * kept).sum((1, 2), keepdims=True))
        texture[start : start + _BLOCK] = kept / np.maximum(length, 1e-6)
    return texture


def _field(grey: np.ndarray) -> np.ndarray:
    """Where the picture shows skin: within the inscribed circle, away from black that reaches in from the border."""
    plane = np.zeros((3, 3, 3), bool)
    plane[1] = ndimage.generate_binary_structure(2, 1)
    border = np.zeros((SIDE, SIDE), bool)
    border[[0, -1]] = border[:, [0, -1]] = True
    dark = _blurred(grey, 1) < _FRAME_GREY
    frame = ndimage.binary_propagation(dark & border, structure=plane, mask=dark)
    lit = ndimage.binary_erosion(~frame, structure=plane, iterations=_RIM, border_value=1)
    down, right = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    return lit & (np.hypot(down, right) < SIDE / 2 - 1)


def _blurred(pictures: np.ndarray, sigma: float) -> np.ndarray:
    return ndimage.gaussian_filter(pictures, (0, sigma, sigma))
