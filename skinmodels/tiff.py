"""What TIFF files say of their values in tags that Pillow passes over."""

from __future__ import annotations

import sys
from typing import BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin
from PIL.TiffImagePlugin import II, MM, TiffImageFile

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _HIGHEST, _PLANAR = 256, 257, 258, 262, 281, 284
_WHITE_IS_ZERO, _YCBCR = 0, 6
# What values of 8 to 15 bits that lie in 16 go up to.
_TOPS = frozenset(2**bits - 1 for bits in range(8, 16))
# How values of 16 bits come from libtiff, by mode.
_SIXTEEN_BITS = {"I;16": "I;16N", "I;16B": "I;16N", "RGB": "RGB;16N", "RGBA": "RGBA;16N", "CMYK": "CMYK;16N"}
# The rawmodes that take the high byte of 16 bits, and those that take the low one.
_OTHER_BYTE = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}

# Kinds of grey that Pillow unpacks but does not list: 12 bits packed, and white as zero.
for _order, _deep in ((II, "I;16"), (MM, "I;16B")):
    for _photometric in (_WHITE_IS_ZERO, 1):
        TiffImagePlugin.OPEN_INFO.setdefault((_order, _photometric, (1,), 1, (12,), ()), ("I;16", "I;12"))
    TiffImagePlugin.OPEN_INFO.setdefault((_order, _WHITE_IS_ZERO, (1,), 1, (16,), ()), (_deep, _deep))


def prepare(image: Image.Image) -> None:
    """Has libtiff decode two kinds of uncompressed picture, opened and not yet loaded, that Pillow misreads itself.

    It takes YCbCr for four bytes a pixel, whatever its subsampling, and values of 16 bits that lie in a plane a channel for
    8 bits. Other pictures stay as they are.
    """
    if not isinstance(image, TiffImageFile) or image.use_load_libtiff:
        return
    if image.tag_v2.get(_PHOTOMETRIC) == _YCBCR and image.mode == "RGB":
        rawmode = "RGBX"  # libtiff converts it to red, green, blue and a byte that is left aside
    elif _in_planes(image) and image.mode in _SIXTEEN_BITS and _bits(image) == {16}:
        rawmode = _SIXTEEN_BITS[image.mode]
    else:
        return
    whole, arguments = (0, 0, image.tag_v2[_WIDTH], image.tag_v2[_HEIGHT]), (rawmode, "raw", False, image.tag_v2.offset)
    image.tile = [image.tile[0]._replace(codec_name="libtiff", extents=whole, offset=0, args=arguments)]
    image.use_load_libtiff = True


def white_is_zero(image: Image.Image) -> bool:
    """Whether grey values, of more than 8 bits, count from white down; Pillow turns those of 8 bits round itself."""
    return isinstance(image, TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def top(image: Image.Image) -> int | None:
    """What the values of a picture of up to 16 bits go up to where that is not 65535, else None.

    12 bits a value say so themselves. Of values in 16 bits the tag MaxSampleValue may say so. TIFF 6.0 calls it statistical,
    the highest value that happens to occur, and others ignore it; cameras write into it what 8 to 15 bits go up to. So it
    counts where it is such a number, 4095 for example, and, as the caller looks, no value is higher.
    """
    if not isinstance(image, TiffImageFile):
        return None
    bits, highest = _bits(image), set(_values(image.tag_v2.get(_HIGHEST)))
    if bits == {12}:
        return 4095
    return highest.pop() if bits == {16} and len(highest) == 1 and highest <= _TOPS else None


def _bits(image: TiffImageFile) -> set:
    return set(_values(image.tag_v2.get(_BITS)))


def _in_planes(image: TiffImageFile) -> bool:
    return image.tag_v2.get(_PLANAR) == 2


def _values(tag: object) -> tuple:
    return tag if isinstance(tag, tuple) else (tag,)


def in_full_depth(image: Image.Image, file: BinaryIO) -> Image.Image:
    """A loaded colour picture, decoded anew from its file where it holds fewer than 16 bits in 16: Pillow keeps the high bytes.

    Raises ValueError where the values lie in a plane a channel, and what Pillow does where the file cannot be read.
    """
    most = top(image)
    if most is None or image.mode not in ("RGB", "RGBA") or not isinstance(image, TiffImageFile):
        return image
    if _in_planes(image):
        raise ValueError("fewer than 16 bits in 16, in planes: libtiff gives the high bytes alone")
    with Image.open(file, formats=("TIFF",)) as low:
        low.tile = [tile._replace(args=_low_bytes(tile.args)) for tile in low.tile]
        low.load()
        values = np.asarray(image).astype(np.uint16) << 8 | np.asarray(low)
    if values.max() > most:
        return image
    whole = Image.fromarray(np.round(values * np.float32(255 / most)).astype(np.uint8))
    whole.info = image.info
    return whole


def _low_bytes(arguments: object) -> tuple:
    rawmode, *others = _values(arguments)
    return (rawmode[:-1] + _OTHER_BYTE[rawmode[-1]], *others)
