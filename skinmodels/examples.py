"""Pictures to try the models on: drawn by this file, and real ones from a folder the host names.

The drawn ones look a little like dermoscopy and are none: they show how the page works, nothing about a model's quality.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from skinmodels import images
from skinmodels.errors import SkinModelError

SYNTHETIC = "synthetic, not a lesion photograph"
SEEDS = (13, 10, 11, 12)

# Formats every browser shows; a real picture in another one is passed over, since its thumbnail would stay empty.
_SHOWN_BY_BROWSERS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")

_SKIN = ((233, 196, 178), (224, 178, 158), (214, 160, 134), (240, 208, 196))
_PIGMENT = ((122, 74, 50), (88, 52, 40), (150, 96, 72), (66, 40, 36))

log = logging.getLogger(__name__)


def draw(seed: int, size: tuple[int, int] = (300, 400)) -> Image.Image:
    """A drawn spot on drawn skin as an RGB picture of ``size`` (height, width); the same seed gives the same picture."""
    rng = np.random.default_rng(seed)
    height, width = size
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    side = min(height, width)
    middle = (height * rng.uniform(0.46, 0.54), width * rng.uniform(0.46, 0.54))
    down, right = (rows - middle[0]) / side, (columns - middle[1]) / side

    skin = np.array(_SKIN[rng.integers(len(_SKIN))], dtype=np.float32)
    picture = skin + 10 * _clouds(rng, size, 5)[..., None] + 5 * _clouds(rng, size, 40)[..., None]
    picture *= (1 - 0.25 * np.clip(np.hypot(down, right) - 0.35, 0, None))[..., None]

    cover = _spot(rng, down, right)
    dark, light = (np.array(_PIGMENT[i], dtype=np.float32) for i in rng.permutation(len(_PIGMENT))[:2])
    blend = np.clip(0.5 + 0.5 * rng.uniform(0.4, 1.2) * _clouds(rng, size, 6), 0, 1)[..., None]
    pigment = dark * blend + light * (1 - blend)
    mesh = np.cos(rng.uniform(90, 130) * (down + 0.04 * _clouds(rng, size, 9))) * np.cos(
        rng.uniform(90, 130) * (right + 0.04 * _clouds(rng, size, 9))
    )
    pigment = pigment - rng.uniform(4, 16) * mesh[..., None] + 7 * _clouds(rng, size, 60)[..., None]
    picture = picture * (1 - cover[..., None]) + pigment * cover[..., None]

    picture += 2 * rng.standard_normal(picture.shape, np.float32)
    drawn = Image.fromarray(np.clip(np.round(picture), 0, 255).astype(np.uint8))
    return _hairs(rng, drawn, count=int(rng.integers(0, 6)))


def _clouds(rng: np.random.Generator, size: tuple[int, int], cells: int) -> np.ndarray:
    """Smooth noise of about -1..1 over (height, width), ``cells`` bumps across."""
    height, width = size
    grid = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def _spot(rng: np.random.Generator, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How much pigment covers each pixel, 0..1: a blob whose outline and edge are more or less ragged."""
    # The outline's radius for each half degree, looked up for every pixel.
    angle = np.linspace(-np.pi, np.pi, 721)
    ragged = rng.uniform(0.02, 0.16)
    outline = np.ones_like(angle)
    for waves in range(2, 9):
        outline += ragged / np.sqrt(waves) * rng.normal() * np.cos(waves * angle + rng.uniform(0, 2 * np.pi))
    turned = angle - rng.uniform(0, np.pi)
    oval = 1 / np.sqrt(np.cos(turned) ** 2 + (rng.uniform(1.0, 1.6) * np.sin(turned)) ** 2)
    radius = (rng.uniform(0.25, 0.34) * outline * oval).astype(np.float32)
    at = np.round((np.arctan2(down, right) + np.pi) * (360 / np.pi)).astype(int)
    distance = (radius[at] - np.hypot(down, right)) / np.float32(rng.uniform(0.006, 0.03))
    return 0.95 / (1 + np.exp(-np.clip(distance, -30, 30)))


def _hairs(rng: np.random.Generator, picture: Image.Image, count: int) -> Image.Image:
    if count == 0:
        return picture
    layer = Image.new("L", picture.size, 0)
    pen = ImageDraw.Draw(layer)
    for _ in range(count):
        start, end = rng.uniform(-0.3, 1.3, (2, 2)) * picture.size
        bend = (start + end) / 2 + rng.normal(0, 0.15, 2) * picture.size
        along = np.linspace(0, 1, 40)[:, None]
        path = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end
        pen.line([tuple(point) for point in path], fill=int(rng.integers(150, 230)), width=int(rng.integers(1, 3)))
    return Image.composite(Image.new("RGB", picture.size, (46, 34, 30)), picture, layer.filter(ImageFilter.GaussianBlur(0.8)))


def write_drawn(folder: Path) -> list[Path]:
    """Draws the synthetic examples as PNG files in that folder; gives their paths."""
    paths = []
    for seed in SEEDS:
        path = folder / f"synthetic-{seed}.png"
        # Quick to write rather than small: the page waits for it.
        draw(seed).save(path, compress_level=1)
        paths.append(path)
    return paths


def real() -> list[Path]:
    """The readable pictures in the folder that ``$SKINMODELS_EXAMPLES`` names, by file name; empty where it is not set."""
    named = os.environ.get("SKINMODELS_EXAMPLES")
    if not named:
        return []
    folder = Path(named)
    if not folder.is_dir():
        log.warning("SKINMODELS_EXAMPLES names no folder (%s), so only drawn examples are shown.", folder)
        return []
    return [path for path in sorted(folder.iterdir()) if path.is_file() and _showable(path)]


def _showable(path: Path) -> bool:
    try:
        return images.read(path).info["format"] in _SHOWN_BY_BROWSERS
    except SkinModelError as error:
        log.warning("Passed over an example: %s", error)
        return False
