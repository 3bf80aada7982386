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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

from skinmodels import colour, lfs, tiff
from skinmodels.errors import SkinModelError

MAX_BYTES = 20 * 1024 * 1024
# The page holds uploads to 20 MB as they arrive. The PNG it then shows in place of a HEIC or TIFF file is many times as large
# as that was, but never larger than 50 megapixels of three bytes.
MAX_DECODED_BYTES = 160 * 1024 * 1024
MAX_PIXELS = 50_000_000
MIN_SIDE = 8

# Pillow's decoders tried on an upload. Everything else it knows (EPS runs Ghostscript, PDF, PSD, icons) is left out.
# AVIF stands before HEIF: both may call themselves by the name of what they have in common, and only Pillow reads AVIF then.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF")
FORMATS_IN_WORDS = "JPEG, PNG, WebP, TIFF, GIF, BMP, HEIC or AVIF"

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

# At this byte DICOM files say what they are.
_DICOM_AT, _DICOM = 128, b"DICM"

log = logging.getLogger(__name__)

pillow_heif.register_heif_opener()


def read(source: str | os.PathLike[str] | BinaryIO, max_bytes: int = MAX_BYTES) -> Image.Image:
    """The first frame of a picture file as an upright RGB picture in sRGB, 8 bits a channel.

    An embedded colour profile is applied, see ``colour.to_srgb``. Transparency is laid over white. More than 8 bits are scaled
    to 8, see ``tiff.top`` for values of 12 bits. The result's ``info`` holds one entry, ``format``: the file format by
    Pillow's name; nothing else that the file said comes along, such as where the picture was taken.

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
            tiff.prepare(image)
            image.load()
        # Again: some decoders only learn here what they hold.
        _check_size(image.size, name)
        with _decoding(name, kind):
            _turn_upright(image)
            picture = _rgb(tiff.in_full_depth(image, file))
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
        raise SkinModelError(f"Expected a {FORMATS_IN_WORDS} picture. Received: {name}, {_what_else(file)}.") from None


def _what_else(file: BinaryIO) -> str:
    """What a file is that is no picture, to end a sentence with."""
    file.seek(0)
    start = file.read(_DICOM_AT + len(_DICOM))
    if start[_DICOM_AT:] == _DICOM:
        return "a DICOM file; export the picture as PNG, TIFF or JPEG from the program that shows it"
    return lfs.INSTEAD if lfs.is_pointer(start) else "which is none of these or is damaged, whatever its name says"


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
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I") or image.mode == "F":
        grey = _eight_bits(np.asarray(image), tiff.top(image))
        return colour.to_srgb(Image.fromarray(255 - grey if tiff.white_is_zero(image) else grey), profile)
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        if profile:
            alpha = with_alpha.getchannel("A")
            with_alpha = colour.to_srgb(image, profile)
            with_alpha.putalpha(alpha)
        white = Image.new("RGBA", with_alpha.size, "white")
        return Image.alpha_composite(white, with_alpha).convert("RGB")
    return colour.to_srgb(image, profile)


def _eight_bits(values: np.ndarray, most: int | None = None) -> np.ndarray:
    """Grey values of 12 bits, 16 bits, 32 bits or floating point as uint8 of the same shape.

    Integers are taken as 0..``most`` where it is given and holds them all, else as 0..65535. Floating-point values are taken
    as 0..1, else 0..255, else 0..65535, whichever holds them all first. Anything beyond is stretched from its lowest to its
    highest value.
    """
    whole = np.issubdtype(values.dtype, np.integer)
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low >= 0:
        for top in (most or 65535, 65535) if whole else (1, 255, 65535):
            if high <= top:
                return np.round(values * (255 / top)).astype(np.uint8)
    return np.round((values - low) * (255 / (high - low))).astype(np.uint8)


def _turn_upright(image: Image.Image) -> None:
    """Broken EXIF does not make the pixels unreadable; such a picture is taken as it lies."""
    with suppress(*_DECODER_ERRORS):
        ImageOps.exif_transpose(image, in_place=True)
