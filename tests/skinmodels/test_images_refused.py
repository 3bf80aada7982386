"""Every kind of file that must be refused in one sentence, and the limits just before."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from drawn_pictures import DICOM, LFS_POINTER
from gradio.data_classes import ImageData
from PIL import Image

from skinmodels import images
from skinmodels.errors import SkinModelError
from skinmodels.ui.components.picture import PictureInput


@pytest.fixture
def picture() -> Image.Image:
    """Small, with many values."""
    ramp = np.arange(24 * 32, dtype=np.uint8).reshape(24, 32)
    return Image.fromarray(np.dstack([ramp, ramp[::-1], ramp[:, ::-1]]))


def refused(source) -> str:
    with pytest.raises(SkinModelError) as caught:
        images.read(source)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith("Expected ")
    assert sentence.endswith(".")
    return sentence


def png(width: int, height: int, bits: int, colour: int, rows: bytes = b"") -> bytes:
    """A PNG file by hand: any header, any pixel data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "gif", "bmp", "heic", "avif"])
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


@pytest.mark.parametrize("kind", ["PDF", "EPS", "ICO", "PPM", "TGA", "PCX", "JPEG2000"])
def test_formats_left_out(kind, tmp_path, picture):
    path = tmp_path / "picture.png"
    picture.save(path, format=kind)
    assert "none of these" in refused(path)


def test_dicom_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "scan.dcm"
    path.write_bytes(DICOM)
    assert refused(path).endswith(
        "scan.dcm, a DICOM file; export the picture as PNG, TIFF or JPEG from the program that shows it."
    )


def test_a_git_lfs_pointer_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "lesion.jpg"
    path.write_bytes(LFS_POINTER)
    assert "lesion.jpg, a Git LFS pointer in place of the file; run `git lfs pull`" in refused(path)


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
    path = tmp_path / "small.png"
    Image.new("RGB", (8, 8)).save(path)
    assert images.read(path).size == (8, 8)


def test_too_many_bytes(tmp_path, picture):
    path = tmp_path / "heavy.png"
    picture.save(path)
    with path.open("ab") as file:
        file.truncate(images.MAX_BYTES + 1)
    assert "20 MB" in refused(path)


def test_the_page_may_read_larger_files_that_it_wrote_itself(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    noise = np.random.default_rng(0).integers(0, 256, (2700, 2700, 3), dtype=np.uint8)
    path = tmp_path / "decoded.png"
    Image.fromarray(noise).save(path, compress_level=1)
    assert path.stat().st_size > images.MAX_BYTES
    assert "20 MB" in refused(path)
    payload = ImageData(path=str(path))
    read = PictureInput().preprocess(payload)
    assert read is not None
    assert read.size == (2700, 2700)


def test_missing_and_folder(tmp_path):
    assert "gone.png" in refused(tmp_path / "gone.png")
    assert "no file" in refused(tmp_path)


def test_sentences_name_no_folder_and_no_markup(tmp_path):
    path = tmp_path / "a<img src=x onerror=y>.png"
    path.write_text("no picture")
    sentence = refused(path)
    assert str(tmp_path) not in sentence
    assert "<" not in sentence


@pytest.mark.parametrize("seed", range(48))
def test_damaged_bytes_end_in_a_picture_or_a_sentence(seed, tmp_path, picture):
    rng = np.random.default_rng(seed)
    suffix = ["jpg", "png", "webp", "tif", "gif", "bmp", "heic", "avif"][seed % 8]
    path = tmp_path / f"hit.{suffix}"
    picture.save(path)
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
