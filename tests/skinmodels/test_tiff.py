"""What scanners, cameras and medical archives write into TIFF files, and what deep pictures of other kinds hold."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import drawn_pictures as drawing
import numpy as np
import pytest

from skinmodels import images
from skinmodels.errors import SkinModelError

PLAIN = drawing.lesion()
RGB = np.asarray(PLAIN).astype(int)
L = np.asarray(PLAIN.convert("L")).astype(int)
GREY = np.asarray(PLAIN.convert("L").convert("RGB")).astype(int)
# In 12 bits.
RGB_12, L_12 = (np.round(values * (4095 / 255)).astype(int) for values in (RGB, L))
CMYK = np.dstack([255 - RGB, np.zeros_like(L)])
YCBCR = np.asarray(PLAIN.convert("YCbCr"))
HIGHEST, SUBSAMPLING, ORIENTATION, EXTRA = 281, 530, 274, 338

orders = pytest.mark.parametrize("order", ["<", ">"])


def away(data: bytes, expected: np.ndarray = RGB) -> float:
    """Grey levels between the picture read and the expected one, on average."""
    pixels = np.asarray(images.read(io.BytesIO(data))).astype(int)
    assert pixels.shape == expected.shape
    return float(np.abs(pixels - expected).mean())


@orders
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_colours_of_8_and_16_bits(bits: int, planes: bool, order: str) -> None:
    deep = 257 if bits == 16 else 1
    assert away(drawing.tiff(RGB * deep, 2, bits=bits, order=order, planes=planes)) == 0
    assert away(drawing.tiff(CMYK * deep, 5, bits=bits, order=order, planes=planes)) < 1


def test_16_bits_a_channel_in_a_png() -> None:
    assert away(drawing.png16(RGB * 257)) == 0


@orders
def test_white_is_zero(order: str) -> None:
    assert away(drawing.tiff(65535 - L * 257, 0, order=order), GREY) == 0
    assert away(drawing.tiff(65535 - L * 257, 0, order=order, tags={284: [2]}), GREY) == 0
    assert away(drawing.tiff(255 - L, 0, bits=8, order=order), GREY) == 0
    assert away(drawing.tiff(4095 - L_12, 0, order=order, tags={HIGHEST: [4095]}), GREY) == 0


@orders
def test_12_bits_in_16(order: str, tmp_path: Path) -> None:
    assert away(drawing.tiff(L_12, 1, order=order, tags={HIGHEST: [4095]}), GREY) == 0
    assert away(drawing.tiff(RGB_12, 2, order=order, tags={HIGHEST: [4095] * 3})) == 0
    assert away(drawing.tiff(RGB_12, 2, order=order, tags={HIGHEST: [4095] * 3, ORIENTATION: [6]}), np.rot90(RGB, -1)) == 0
    with_alpha = np.dstack([RGB_12, np.full_like(L, 4095)])
    assert away(drawing.tiff(with_alpha, 2, order=order, tags={HIGHEST: [4095] * 4, EXTRA: [2]})) == 0
    path = tmp_path / "of_a_camera.tif"
    path.write_bytes(drawing.tiff(RGB_12, 2, order=order, tags={HIGHEST: [4095]}))
    assert (np.asarray(images.read(path)) == RGB).all()


@orders
def test_12_bits_in_16_compressed(order: str) -> None:
    for values, expected in ((L_12, GREY), (RGB_12, RGB)):
        data, tags = zlib.compress(values.astype(f"{order}u2").tobytes()), {259: [8], HIGHEST: [4095]}
        assert away(drawing.tiff(values, 1 if values.ndim == 2 else 2, order=order, tags=tags, data=data), expected) == 0


@orders
@pytest.mark.parametrize("highest", [4095, 40_000, 1, 0])
def test_a_highest_value_that_is_no_depth_or_not_the_highest_is_ignored(highest: int, order: str) -> None:
    assert away(drawing.tiff(L * 257, 1, order=order, tags={HIGHEST: [highest]}), GREY) == 0
    assert away(drawing.tiff(RGB * 257, 2, order=order, tags={HIGHEST: [highest] * 3})) == 0


@orders
@pytest.mark.parametrize("photometric", [0, 1])
def test_12_bits_packed(photometric: int, order: str) -> None:
    values = L_12 if photometric else 4095 - L_12
    bits = (values[..., None] >> np.arange(11, -1, -1)) & 1
    data = np.packbits(bits.astype(np.uint8).reshape(len(values), -1), axis=1).tobytes()
    assert away(drawing.tiff(values, photometric, bits=12, order=order, data=data), GREY) == 0


def test_12_bits_of_16_in_planes_are_refused_rather_than_read_dark() -> None:
    with pytest.raises(SkinModelError, match="of a kind that cannot be read"):
        images.read(io.BytesIO(drawing.tiff(RGB_12, 2, planes=True, tags={HIGHEST: [4095] * 3})))


@orders
@pytest.mark.parametrize("planes", [False, True])
def test_ycbcr_uncompressed(planes: bool, order: str) -> None:
    for turned, expected in ((1, RGB), (6, np.rot90(RGB, -1))):
        tags = {SUBSAMPLING: [1, 1], ORIENTATION: [turned]}
        assert away(drawing.tiff(YCBCR, 6, bits=8, order=order, planes=planes, tags=tags), expected) < 2.5


def test_ycbcr_as_pillow_writes_it(tmp_path: Path) -> None:
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        data = drawing.saved(PLAIN.convert("YCbCr") if compression != "jpeg" else PLAIN, "TIFF", compression=compression)
        assert away(data) < 2.5
    path = tmp_path / "ycbcr.tiff"
    PLAIN.convert("YCbCr").save(path)
    assert away(path.read_bytes()) == np.abs(np.asarray(images.read(path)).astype(int) - RGB).mean() < 2.5


@orders
def test_ycbcr_subsampled(order: str) -> None:
    """Blocks of two by two: four values of brightness, then the two of their colour."""
    values, expected = YCBCR[:224], RGB[:224]
    rows, columns = 112, 150
    bright = values[..., 0].reshape(rows, 2, columns, 2).transpose(0, 2, 1, 3).reshape(rows, columns, 4)
    colours = values[..., 1:].reshape(rows, 2, columns, 2, 2).mean(axis=(1, 3)).round().astype(np.uint8)
    data = np.concatenate([bright, colours], axis=2).tobytes()
    assert away(drawing.tiff(values, 6, bits=8, order=order, tags={SUBSAMPLING: [2, 2]}, data=data), expected) < 2.5


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_end_in_a_picture_or_a_sentence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = (
        drawing.tiff(YCBCR, 6, bits=8, tags={SUBSAMPLING: [1, 1]}),
        drawing.tiff(RGB * 257, 2, planes=True),
        drawing.tiff(RGB_12, 2, tags={HIGHEST: [4095] * 3}),
        drawing.tiff(L_12, 0, tags={HIGHEST: [4095]}),
    )
    data = bytearray(made[seed % 4])
    # Most of it is pixels; what can go wrong stands in the last bytes.
    for at in len(data) - rng.integers(1, 180, 4):
        data[at] = rng.integers(0, 256)
    try:
        outcome = images.read(io.BytesIO(bytes(data))).mode
    except SkinModelError as error:
        outcome = str(error)
    assert outcome == "RGB" or outcome.startswith("Expected ")
