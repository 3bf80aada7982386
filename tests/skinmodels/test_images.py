"""Every kind of picture people upload, and every kind that must be refused in one sentence."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio.data_classes import ImageData
from PIL import Image

from skinmodels import images
from skinmodels.errors import SkinModelError
from skinmodels.ui.components.picture import PictureInput

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
    "jpg": {"quality": 100, "subsampling": 0},
    "jpeg": {"quality": 100, "subsampling": 0},
}


def read_saved(picture: Image.Image, path: Path, **options) -> np.ndarray:
    picture.save(path, **options)
    result = images.read(path)
    assert result.mode == "RGB"
    return np.asarray(result).astype(int)


def refused(source) -> str:
    with pytest.raises(SkinModelError) as caught:
        images.read(source)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith("Expected ")
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "gif", "jpg", "heic", "jpeg", "tiff"])
def test_formats(suffix, tmp_path):
    pixels = read_saved(Image.fromarray(QUARTERS), tmp_path / f"picture.{suffix}", **FINEST.get(suffix, {}))
    assert np.abs(pixels - QUARTERS).max() <= (6 if suffix in ("jpg", "jpeg", "heic") else 0)


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
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "heic"])
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


def test_sixteen_bit_colour_png(tmp_path):
    """Pillow writes none, so it is put together by hand: colour type 2, 16 bits."""
    row = b"\x00" + struct.pack(">3H", 65535, 32896, 257) * 16
    path = tmp_path / "deep.png"
    path.write_bytes(png(16, 16, 16, 2, row * 16))
    assert (np.asarray(images.read(path)) == (255, 128, 1)).all()


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


def png(width: int, height: int, bits: int, colour: int, rows: bytes = b"") -> bytes:
    """A PNG file by hand: any header, any pixel data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "gif", "bmp", "heic"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.95])
def test_truncated(suffix, kept, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert "cut." in refused(path)


def test_text_renamed(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("This is no picture.\n" * 50)
    assert "none of these" in refused(path)


def test_empty(tmp_path):
    path = tmp_path / "nothing.png"
    path.touch()
    assert "empty" in refused(path)
    assert "empty" in refused(io.BytesIO())


@pytest.mark.parametrize("kind", ["PDF", "EPS", "ICO", "PPM", "TGA", "PCX", "AVIF"])
def test_formats_left_out(kind, tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(QUARTERS).save(path, format=kind)
    assert "none of these" in refused(path)


def test_svg(tmp_path):
    path = tmp_path / "picture.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"/>')
    assert "none of these" in refused(path)


@pytest.mark.parametrize("side", [7072, 12_000, 60_000])
def test_too_many_pixels_are_refused_before_decoding(side, tmp_path, monkeypatch):
    """The file has no pixel data at all, so whoever decoded it would fail differently. All of Pillow's limits are passed."""
    path = tmp_path / "huge.png"
    path.write_bytes(png(side, side, 8, 2))
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        assert "at most 50 megapixels" in refused(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "at most 50 megapixels" in refused(path)


def test_fifty_megapixels_are_read(tmp_path):
    path = tmp_path / "large.png"
    Image.new("L", (10_000, 5_000), 9).save(path)
    assert images.read(path).size == (10_000, 5_000)


@pytest.mark.parametrize("size", [(7, 100), (100, 7), (1, 1)])
def test_too_small(size, tmp_path):
    path = tmp_path / "tiny.png"
    Image.new("RGB", size).save(path)
    assert f"{size[0]}x{size[1]}" in refused(path)


def test_eight_by_eight_is_read(tmp_path):
    assert read_saved(Image.new("RGB", (8, 8)), tmp_path / "small.png").shape == (8, 8, 3)


def test_too_many_bytes(tmp_path):
    path = tmp_path / "heavy.png"
    Image.fromarray(QUARTERS).save(path)
    with path.open("ab") as file:
        file.truncate(images.MAX_BYTES + 1)
    assert "20 MB" in refused(path)


def test_the_page_may_read_larger_files_that_it_wrote_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    noise = np.random.default_rng(0).integers(0, 256, (2700, 2700, 3), dtype=np.uint8)
    path = tmp_path / "decoded.png"
    Image.fromarray(noise).save(path, compress_level=1)
    assert path.stat().st_size > images.MAX_BYTES
    assert "20 MB" in refused(path)
    payload = ImageData(path=str(path))
    picture = PictureInput().preprocess(payload)
    assert picture is not None
    assert picture.size == (2700, 2700)


def test_missing_and_folder(tmp_path):
    assert "gone.png" in refused(tmp_path / "gone.png")
    assert "no file" in refused(tmp_path)


def test_sentences_name_no_folder_and_no_markup(tmp_path):
    path = tmp_path / "a<img src=x onerror=y>.png"
    path.write_text("no picture")
    sentence = refused(path)
    assert str(tmp_path) not in sentence
    assert "<" not in sentence


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_end_in_a_picture_or_a_sentence(seed, tmp_path):
    rng = np.random.default_rng(seed)
    suffix = ["jpg", "png", "webp", "tif", "gif", "bmp", "heic"][seed % 7]
    path = tmp_path / f"hit.{suffix}"
    Image.fromarray(QUARTERS).save(path)
    data = bytearray(path.read_bytes())
    for at in rng.integers(0, len(data), 12):
        data[at] = rng.integers(0, 256)
    path.write_bytes(data)
    try:
        outcome = images.read(path).mode
    except SkinModelError as error:
        outcome = str(error)
    assert outcome == "RGB" or "hit." in outcome


def test_own_mistakes_are_not_hidden():
    with pytest.raises(AttributeError):
        images.read(None)  # type: ignore[arg-type]
