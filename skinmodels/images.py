"""Reading whatever people upload: one RGB picture, or one sentence saying why not.

Page, API, command line and training all read through ``read``, so a picture means the same pixels everywhere.
"""

from __future__ import annotations

import logging
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pillow_heif
from PIL import Image

from skinmodels.errors import SkinModelError

MAX_BYTES = 20 * 1024 * 1024
# The page holds uploads to 20 MB as they arrive. The PNG it then shows in place of a HEIC or TIFF file is many times as large
# as that was, but never larger than 50 megapixels of three bytes.
MAX_DECODED_BYTES = 160 * 1024 * 1024
MAX_PIXELS = 50_000_000
MIN_SIDE = 8

# Pillow's decoders tried on an upload. Everything else it knows (EPS runs Ghostscript, PDF, PSD, icons) is left out.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "HEIF")
FORMATS_IN_WORDS = "JPEG, PNG, WebP, TIFF, GIF, BMP or HEIC"

# What Pillow's decoders are known to raise for broken or hostile files. Caught around Pillow's calls alone.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

log = logging.getLogger(__name__)

pillow_heif.register_heif_opener()


def read(source: str | os.PathLike[str] | BinaryIO, max_bytes: int = MAX_BYTES) -> Image.Image:
    """The first frame of a picture file as an upright RGB picture, 8 bits a channel.

    Transparency is laid over white, 16-bit grey is scaled to 8 bits. The result's ``info`` holds one entry, ``format``:
    the file format by Pillow's name.

    Args:
        source: path of a picture file, or a file opened in binary mode (read from its start, left open).
        max_bytes: how large the file may be.

    Raises:
        SkinModelError: no such file, empty, over ``max_bytes``, not one of ``FORMATS``, cut off or damaged, over 50 megapixels,
            below 8x8. The sentence names the file without its folder.
    """
    if isinstance(source, str | os.PathLike):
        name = _shown(source)
        try:
            with open(source, "rb") as file:
                return _read(file, name, max_bytes)
        except FileNotFoundError:
            raise SkinModelError(f"Expected a picture file. Received: {name}, which is not there (any more).") from None
        except (IsADirectoryError, PermissionError):
            raise SkinModelError(f"Expected a picture file. Received: {name}, which is no file that can be opened.") from None
    return _read(source, _shown(getattr(source, "name", "")), max_bytes)


def _shown(path: object) -> str:
    """A file's name without its folder, fit to stand in a sentence on a page."""
    name = Path(path).name if isinstance(path, str | os.PathLike) else ""
    name = re.sub(r"[^\w.\-+ ()]+", "_", name)
    return name if len(name) <= 60 else f"{name[:40]}...{name[-15:]}"


def _read(file: BinaryIO, name: str, max_bytes: int) -> Image.Image:
    name = name or "the file"
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    if length == 0:
        raise SkinModelError(f"Expected a picture. Received: {name}, which is empty.")
    if length > max_bytes:
        raise SkinModelError(
            f"Expected a picture file of at most {max_bytes // 1024**2} MB. Received: {name} with {length / 1024**2:.1f} MB."
        )

    with _open(file, name) as image:
        _check_size(image.size, name)
        kind = image.format or ""
        # MPO is what Pillow calls a JPEG that holds further views behind the first, as many phones write.
        kind = "JPEG" if kind == "MPO" else kind
        with _decoding(name, kind):
            image.load()
        # Again: some decoders only learn here what they hold.
        _check_size(image.size, name)
        with _decoding(name, kind):
            picture = _upright(_rgb(image), image)
    picture.info = {"format": kind}
    return picture


def _open(file: BinaryIO, name: str) -> Image.Image:
    """The picture with its header read and its pixels not yet decoded."""
    try:
        return Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        # Pillow's own limit, reached before ours can look. The warning is raised only where warnings are errors.
        raise SkinModelError(f"Expected a picture of at most 50 megapixels. Received: {name}, which has far more.") from None
    except _DECODER_ERRORS as error:
        log.info("Refused an upload: %s: %s", type(error).__name__, error)
        raise SkinModelError(
            f"Expected a {FORMATS_IN_WORDS} picture. Received: {name}, which is none of these or is damaged, "
            "whatever its name says."
        ) from None


@contextmanager
def _decoding(name: str, kind: str) -> Iterator[None]:
    """Turns what Pillow raises on broken pixel data into a sentence."""
    try:
        yield
    except _DECODER_ERRORS as error:
        log.info("Refused an upload: %s: %s", type(error).__name__, error)
        raise SkinModelError(
            f"Expected a complete picture. Received: {name}, which starts as {kind} but is cut off, damaged or of a kind "
            "that cannot be read."
        ) from None


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise SkinModelError(
            f"Expected a picture of at most 50 megapixels. Received: {name} with {width}x{height} = "
            f"{width * height / 1e6:.0f} megapixels."
        )
    if min(width, height) < MIN_SIDE:
        raise SkinModelError(
            f"Expected a picture of at least {MIN_SIDE}x{MIN_SIDE} pixels. Received: {name} with {width}x{height} pixels."
        )


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        white = Image.new("RGBA", with_alpha.size, "white")
        return Image.alpha_composite(white, with_alpha).convert("RGB")
    return image.convert("RGB")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Grey values of 16 bits, 32 bits or floating point as uint8 of the same shape.

    Integers within 0..65535 are taken as 16-bit. Floating-point values are taken as 0..1, else 0..255, else 0..65535,
    whichever holds them all first. Anything beyond is stretched from its lowest to its highest value.
    """
    whole = np.issubdtype(values.dtype, np.integer)
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low >= 0:
        for top in (65535,) if whole else (1, 255, 65535):
            if high <= top:
                return np.round(values * (255 / top)).astype(np.uint8)
    return np.round((values - low) * (255 / (high - low))).astype(np.uint8)


def _upright(picture: Image.Image, original: Image.Image) -> Image.Image:
    try:
        orientation = original.getexif().get(_ORIENTATION_TAG, 1)
    except _DECODER_ERRORS:
        # Broken EXIF does not make the pixels unreadable; such a picture is taken as it lies.
        return picture
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)
