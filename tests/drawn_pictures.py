"""Small pictures in the colour spaces and kinds of file that cameras, scanners and editors write; nothing is downloaded."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

# Columns: what red, green and blue at full are in XYZ under D50.
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7142]])
DISPLAY_P3 = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
ADOBE_RGB = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
PROPHOTO = np.array([[0.7977, 0.1352, 0.0314], [0.2880, 0.7119, 0.0001], [0.0000, 0.0000, 0.8252]])
WHITE = np.array([0.9642, 1, 0.8249])

LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 19000000\n"
DICOM = bytes(128) + b"DICM\2\0\0\0UL\4\0" + struct.pack("<I", 14) + b"\2\0\x10\0UI\6\x001.2.8\0"

_SHORT, _LONG = 3, 4  # TIFF's types of 16 and 32 bits


def lesion(size: tuple[int, int] = (300, 225)) -> Image.Image:
    """A brown spot on skin, RGB, of that width and height."""
    image, (width, height) = Image.new("RGB", size, (214, 160, 140)), size
    for x, y, right, bottom, fill in ((0.3, 0.25, 0.7, 0.75, (120, 66, 46)), (0.42, 0.38, 0.6, 0.6, (62, 34, 40))):
        ImageDraw.Draw(image).ellipse((width * x, height * y, width * right, height * bottom), fill=fill)
    return image


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    """The bytes of a file of that kind."""
    picture.save(buffer := io.BytesIO(), kind, **options)
    return buffer.getvalue()


def _to_linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def icc(space: bytes, tags: Sequence[tuple[bytes, bytes | Sequence[float]]], connection: bytes = b"XYZ ") -> bytes:
    """An ICC 2.1 profile of these tags, bytes or a point in XYZ, and of the three that all have."""
    described, copyright = b"desc\0\0\0\0\0\0\0\6drawn\0" + bytes(78), b"text\0\0\0\0CC0\0"
    tags = [(b"desc", described), (b"cprt", copyright), (b"wtpt", WHITE.tolist()), *tags]
    index, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for key, its in tags:
        data = its if isinstance(its, bytes) else b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in its))
        index += key + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size, kind = start + len(body), b"prtr" if space == b"CMYK" else b"mntr"
    head = struct.pack(">I4sI4s4s4s6H", size, b"lcms", 0x02100000, kind, space, connection, 2026, 1, 1, 0, 0, 0)
    head += b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + index + body


def _curve(gamma: float | None) -> bytes:
    steps = np.round(_to_linear(np.linspace(0, 1, 1024)) * 65535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + (struct.pack(">IH", 1, round(gamma * 256)) if gamma else struct.pack(">I", 1024) + steps)


def rgb_profile(primaries: np.ndarray, gamma: float | None = None) -> bytes:
    """Of an RGB space with these primaries (columns, XYZ under D50) and one curve, sRGB's where gamma is None."""
    points = [(letter + b"XYZ", primaries[:, i].tolist()) for i, letter in enumerate((b"r", b"g", b"b"))]
    return icc(b"RGB ", [*points, *((letter + b"TRC", _curve(gamma)) for letter in (b"r", b"g", b"b"))])


def grey_profile(gamma: float | None) -> bytes:
    """Of a grey space with that gamma, sRGB's curve where it is None."""
    return icc(b"GRAY", [(b"kTRC", _curve(gamma))])


def cmyk_profile(inks: str = "cmyk") -> bytes:
    """Of a press whose four plates print these inks, in the order of the plates; each takes all of its part of the light."""
    takes = {"c": (1, 0, 0), "m": (0, 1, 0), "y": (0, 0, 1), "k": (1, 1, 1)}
    corners = np.indices((2, 2, 2, 2)).reshape(4, -1).T  # the last plate changes fastest
    light = 1 - np.clip(corners @ np.array([takes[ink] for ink in inks]), 0, 1)
    values = np.round((_lab(light @ SRGB.T) + np.array([0, 128, 128])) * (652.8, 256, 256)).astype(">u2").tobytes()
    head = b"mft2\0\0\0\0" + bytes((4, 3, 2, 0)) + struct.pack(">9i", *np.eye(3, dtype=int).ravel() * 65536)
    straight = struct.pack(">2H", 0, 65535)
    return icc(b"CMYK", [(b"A2B0", head + struct.pack(">2H", 2, 2) + straight * 4 + values + straight * 3)], b"Lab ")


def _lab(xyz: np.ndarray) -> np.ndarray:
    """Lab of points (n, 3) in XYZ under D50."""
    x, y, z = np.where((t := xyz / WHITE) > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def in_space(image: Image.Image, primaries: np.ndarray, gamma: float | None = None) -> Image.Image:
    """The same colours, as the values a file in that space holds."""
    light = np.clip(_to_linear(np.asarray(image) / 255) @ SRGB.T @ np.linalg.inv(primaries).T, 0, 1)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return Image.fromarray(np.round((light ** (1 / gamma) if gamma else srgb) * 255).astype(np.uint8))


def png16(values: np.ndarray) -> bytes:
    """A PNG of (h, w, 3) values of 16 bits."""
    rows = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in values))
    header = struct.pack(">2I5B", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    chunks = [b"IHDR" + header, b"IDAT" + rows, b"IEND"]
    body = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def tiff(
    values: np.ndarray,
    photometric: int,
    *,
    bits: int = 16,
    order: str = "<",
    planes: bool = False,
    tags: Mapping[int, Sequence[int]] | None = None,
    data: bytes | None = None,
) -> bytes:
    """An uncompressed TIFF of (h, w) or (h, w, channels) values as they are.

    Args:
        photometric: 0 grey from white down, 1 grey, 2 RGB, 5 CMYK, 6 YCbCr.
        bits: of a value, 8 or 16; others with ``data`` only.
        order: "<" or ">", of its bytes.
        planes: whether each channel lies by itself.
        tags: more of them, or others, of 16 bits.
        data: what the file holds, where that is not the values as they are.
    """
    height, width, depth = (*values.shape, 1)[:3]
    kind = f"{order}u{bits // 8}"
    parts = [values[..., i] for i in range(depth)] if planes else [values]
    strips = [data] if data else [np.asarray(part).astype(kind).tobytes() for part in parts]
    starts = np.cumsum([8, *map(len, strips)]).tolist()
    written = {256: [width], 257: [height], 258: [bits] * depth, 259: [1], 262: [photometric], 273: starts[:-1]}
    written |= {277: [depth], 278: [height], 279: [len(strip) for strip in strips], 284: [1 + planes], **(tags or {})}
    entries, behind = b"", b""
    for tag in sorted(written):
        type_ = _LONG if tag in (256, 257, 273, 278, 279) else _SHORT
        raw = struct.pack(f"{order}{len(written[tag])}{'H' if type_ == _SHORT else 'I'}", *written[tag])
        if len(raw) > 4:
            behind, raw = behind + raw, struct.pack(f"{order}I", starts[-1] + len(behind))
        entries += struct.pack(f"{order}HHI", tag, type_, len(written[tag])) + raw.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", starts[-1] + len(behind))
    return head + b"".join(strips) + behind + struct.pack(f"{order}H", len(written)) + entries + bytes(4)
