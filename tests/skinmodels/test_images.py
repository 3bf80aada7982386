"""Every kind of picture people upload; what is refused stands in test_images_refused.py."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_pictures import png16
from PIL import Image

from skinmodels import images

# Four coloured quarters, so that any turn or flip shows: red, green / blue, yellow; (height, width) = (24, 32).
QUARTERS = np.zeros((24, 32, 3), np.uint8)
QUARTERS[:12, :16] = (200, 30, 30)
QUARTERS[:12, 16:] = (30, 200, 30)
QUARTERS[12:, :16] = (30, 30, 200)
QUARTERS[12:, 16:] = (200, 200, 30)

# What keeps the formats' losses smallest.
FINEST: dict[str, dict[str, Any]] = {
    "webp": {"lossless": True},
    "heic": {"quality": -1, "chroma": 444},
    "avif": {"quality": 100, "subsampling": "4:4:4"},
    "jfif": {"quality": 100, "subsampling": 0},
    "jpg": {"quality": 100, "subsampling": 0},
    "jpeg": {"quality": 100, "subsampling": 0},
}


def read_saved(picture: Image.Image, path: Path, **options) -> np.ndarray:
    picture.save(path, **options)
    result = images.read(path)
    assert result.mode == "RGB"
    return np.asarray(result).astype(int)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "gif", "jpg", "heic", "jpeg", "tiff", "jfif", "avif"])
def test_formats(suffix, tmp_path):
    pixels = read_saved(Image.fromarray(QUARTERS), tmp_path / f"picture.{suffix}", **FINEST.get(suffix, {}))
    assert np.abs(pixels - QUARTERS).max() <= (6 if suffix in ("jpg", "jpeg", "jfif", "heic", "avif") else 0)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_file_that_says_only_what_heif_and_avif_have_in_common(kind):
    Image.fromarray(QUARTERS).resize((256, 192)).save(buffer := io.BytesIO(), kind, quality=95)
    data = bytearray(buffer.getvalue())
    data[8:12] = b"mif1"
    assert images.read(io.BytesIO(bytes(data))).info == {"format": kind}


def test_names_its_format(tmp_path):
    path = tmp_path / "picture.dat"
    Image.fromarray(QUARTERS).save(path, format="TIFF")
    assert images.read(path).info == {"format": "TIFF"}


def test_open_file_and_path_object(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(QUARTERS).save(path)
    with path.open("rb") as file:
        file.read(10)
        assert (np.asarray(images.read(file)) == QUARTERS).all()
        assert not file.closed
    assert (np.asarray(images.read(io.BytesIO(path.read_bytes()))) == QUARTERS).all()
    assert (np.asarray(images.read(str(path))) == QUARTERS).all()


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, QUARTERS),
        (2, QUARTERS[:, ::-1]),
        (3, QUARTERS[::-1, ::-1]),
        (4, QUARTERS[::-1]),
        (5, QUARTERS.transpose(1, 0, 2)),
        (6, np.rot90(QUARTERS, -1)),
        (7, QUARTERS[::-1, ::-1].transpose(1, 0, 2)),
        (8, np.rot90(QUARTERS, 1)),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "heic", "avif"])
def test_exif_orientation(suffix, orientation, expected, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {} if suffix == "png" else {"quality": 100}
    # From bytes, pillow-heif writes tag and turn both, as phones do: the picture must be turned once.
    tags = exif.tobytes() if suffix == "heic" else exif
    pixels = read_saved(Image.fromarray(QUARTERS), tmp_path / f"picture.{suffix}", exif=tags, **options)
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected)[::6, ::6].mean() < 12


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("RGBA", "png"),
        ("RGBA", "webp"),
        ("RGBA", "tif"),
        ("RGBA", "gif"),
        ("RGBA", "heic"),
        ("LA", "png"),
        ("LA", "tif"),
        ("P", "png"),
        ("P", "gif"),
    ],
)
def test_transparency_lies_over_white(mode, suffix, tmp_path):
    picture = Image.new("RGBA", (32, 24), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (16, 0, 32, 24))
    if mode == "P":
        picture = Image.new("P", (32, 24), 0)
        picture.putpalette([90, 10, 10, 0, 0, 0] + [0] * 762)
        picture.paste(1, (16, 0, 32, 24))
        picture.info["transparency"] = 0
    options = {"transparency": 0} if mode == "P" else FINEST.get(suffix, {})
    pixels = read_saved(picture if mode == "P" else picture.convert(mode), tmp_path / f"picture.{suffix}", **options)
    assert (pixels[:, :16] == 255).all()
    assert (pixels[:, 16:] == 0).all()


def test_half_transparent(tmp_path):
    pixels = read_saved(Image.new("RGBA", (16, 16), (0, 0, 0, 128)), tmp_path / "picture.png")
    assert np.abs(pixels - 127).max() <= 1


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("L", 77), ("1", 255), ("CMYK", None), ("P", None)],
)
def test_modes(mode, expected, tmp_path):
    if mode == "L":
        picture = Image.new("L", (16, 16), 77)
    elif mode == "1":
        picture = Image.new("1", (16, 16), 1)
    else:
        picture = Image.fromarray(QUARTERS)
        picture = picture.quantize(16) if mode == "P" else picture.convert(mode)
    pixels = read_saved(picture, tmp_path / ("picture.png" if mode in ("L", "1", "P") else "picture.tif"))
    if expected is None:
        assert np.abs(pixels - QUARTERS).max() <= 4
    else:
        assert (pixels == expected).all()


def test_jpeg_inside_tiff(tmp_path):
    pixels = read_saved(Image.fromarray(QUARTERS), tmp_path / "picture.tif", compression="jpeg", quality=95)
    assert np.abs(pixels - QUARTERS).mean() < 8


def test_cmyk_jpeg(tmp_path):
    pixels = read_saved(Image.fromarray(QUARTERS).convert("CMYK"), tmp_path / "picture.jpg", quality=100, subsampling=0)
    assert np.abs(pixels - QUARTERS).max() <= 8


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_is_scaled(suffix, tmp_path):
    ramp = np.linspace(0, 65535, 24 * 32).reshape(24, 32).astype(np.uint16)
    pixels = read_saved(Image.fromarray(ramp), tmp_path / f"picture.{suffix}")
    assert (pixels == np.round(ramp / 257).astype(int)[..., None]).all()
    # Not stretched either: a dark picture stays dark.
    assert read_saved(Image.fromarray(ramp // 8), tmp_path / f"dark.{suffix}").max() == round(65535 // 8 / 257)


def test_sixteen_bit_colour_png():
    pixels = np.full((16, 16, 3), (65535, 32896, 257))
    assert (np.asarray(images.read(io.BytesIO(png16(pixels)))) == (255, 128, 1)).all()


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_floating_point_grey(top, tmp_path):
    ramp = np.linspace(0, top, 24 * 32).reshape(24, 32).astype(np.float32)
    pixels = read_saved(Image.fromarray(ramp), tmp_path / "picture.tif")
    assert np.abs(pixels[..., 0] - np.linspace(0, 255, 24 * 32).reshape(24, 32)).max() <= 0.51


def test_thirty_two_bit_grey(tmp_path):
    ramp = np.linspace(-1_000_000, 1_000_000, 24 * 32).reshape(24, 32).astype(np.int32)
    pixels = read_saved(Image.fromarray(ramp), tmp_path / "picture.tif")
    assert (pixels.min(), pixels.max()) == (0, 255)
    not_numbers = np.full((16, 16), np.nan, np.float32)
    assert (read_saved(Image.fromarray(not_numbers), tmp_path / "nan.tif") == 0).all()


@pytest.mark.parametrize("suffix", ["gif", "tif", "webp", "png"])
def test_first_frame(suffix, tmp_path):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if suffix == "webp" else {}
    pixels = read_saved(frames[0], tmp_path / f"picture.{suffix}", save_all=True, append_images=frames[1:], **options)
    assert (pixels == (255, 0, 0)).all()


def test_phone_jpeg_with_a_second_view(tmp_path):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    path = tmp_path / "picture.jpg"
    frames[0].save(path, format="MPO", save_all=True, append_images=frames[1:])
    picture = images.read(path)
    assert picture.info == {"format": "JPEG"}
    assert np.asarray(picture)[8, 8, 0] > 240


def test_broken_exif_does_not_refuse_a_picture(tmp_path):
    exif = b"Exif\x00\x00II*\x00\xff\xff\xff\x7f\x00\x00"
    pixels = read_saved(Image.fromarray(QUARTERS), tmp_path / "picture.jpg", exif=exif, quality=100, subsampling=0)
    assert np.abs(pixels - QUARTERS).max() <= 6


def test_sixteen_bit_grey_is_turned_upright(tmp_path):
    grey = np.asarray(Image.fromarray(QUARTERS).convert("L"))
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = read_saved(Image.fromarray(grey.astype(np.uint16) * 257), tmp_path / "picture.png", exif=exif)
    assert (pixels[..., 0] == np.rot90(grey, -1)).all()
