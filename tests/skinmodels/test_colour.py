"""Embedded colour profiles: whatever space a file's values are in, the picture read is the same, in sRGB."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import drawn_pictures as drawing
import numpy as np
import pytest
from gradio.data_classes import ImageData
from PIL import Image, ImageCms

from skinmodels import images, inference
from skinmodels.batch import engine, picture_files
from skinmodels.registry import MODELS
from skinmodels.ui.components.picture import PictureInput
from training.data.files import PictureFile, Root

BEST: dict[str, Any] = {"quality": 97, "subsampling": 0}
PLAIN = drawing.lesion()
GREY = PLAIN.convert("L").convert("RGB")
SPACES: dict[str, tuple] = {
    "srgb": (drawing.SRGB,),
    "display_p3": (drawing.DISPLAY_P3,),
    "adobe_rgb": (drawing.ADOBE_RGB, 2.19921875),
    "prophoto": (drawing.PROPHOTO, 1.8),
    "red_and_blue_swapped": (drawing.SRGB[:, ::-1],),
}
SWAPPED = Image.merge("RGB", PLAIN.split()[::-1])
P3 = drawing.in_space(PLAIN, drawing.DISPLAY_P3)
P3_PROFILE = drawing.rgb_profile(drawing.DISPLAY_P3)


def read(data: bytes) -> np.ndarray:
    return np.asarray(images.read(io.BytesIO(data))).astype(int)


def away(data: bytes, expected: Image.Image = PLAIN) -> float:
    """Grey levels between the picture read and the expected one, on average."""
    return float(np.abs(read(data) - np.asarray(expected)).mean())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "HEIF", "AVIF"])
@pytest.mark.parametrize("space", list(SPACES))
def test_a_profile_is_converted_to_srgb(space: str, kind: str) -> None:
    picture = drawing.in_space(PLAIN, *SPACES[space])
    finest: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "HEIF": {"quality": -1, "chroma": 444}}
    finest |= {"AVIF": {"quality": 97, "subsampling": "4:4:4"}}
    options = finest.get(kind, BEST)
    assert away(drawing.saved(picture, kind, icc_profile=drawing.rgb_profile(*SPACES[space]), **options)) < 2.5


def test_an_srgb_profile_changes_nothing() -> None:
    data = drawing.saved(PLAIN, "PNG", icc_profile=drawing.rgb_profile(drawing.SRGB))
    assert np.abs(read(data) - np.asarray(PLAIN)).max() <= 1
    built_in = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.abs(read(drawing.saved(PLAIN, "PNG", icc_profile=built_in)) - np.asarray(PLAIN)).max() <= 1


def test_a_profile_of_grey_is_converted() -> None:
    linear = drawing.in_space(GREY, drawing.SRGB, 1.0).getchannel("R")
    assert away(drawing.saved(linear, "PNG", icc_profile=drawing.grey_profile(1.0)), GREY) < 2.5
    deep = np.asarray(linear).astype(np.uint16) * 257
    assert away(drawing.saved(Image.fromarray(deep), "TIFF", icc_profile=drawing.grey_profile(1.0)), GREY) < 2.5


def test_an_rgb_profile_of_a_grey_picture_says_what_its_greys_are() -> None:
    linear = drawing.in_space(GREY, drawing.SRGB, 1.0).getchannel("R")
    assert away(drawing.saved(linear, "JPEG", icc_profile=drawing.rgb_profile(drawing.ADOBE_RGB, 1.0), **BEST), GREY) < 2.5


def test_a_profile_of_a_palette_is_converted() -> None:
    picture = P3.quantize(16)
    assert away(drawing.saved(picture, "PNG", icc_profile=P3_PROFILE)) < 2.5


def test_a_profile_says_nothing_of_transparency() -> None:
    """The left half is clear, so white; the right half has its colours."""
    alpha = Image.new("L", PLAIN.size, 255)
    alpha.paste(0, (0, 0, 150, 225))
    with_alpha, grey = P3.copy(), drawing.in_space(GREY, drawing.SRGB, 1.0).convert("L").convert("LA")
    with_alpha.putalpha(alpha)
    grey.putalpha(alpha)
    for picture, profile, whole in ((with_alpha, P3_PROFILE, PLAIN), (grey, drawing.grey_profile(1.0), GREY)):
        expected = whole.copy()
        expected.paste("white", (0, 0, 150, 225))
        assert away(drawing.saved(picture, "PNG", icc_profile=profile), expected) < 2.5


@pytest.mark.parametrize("turned", [1, 6])
def test_a_profile_and_a_turn_go_together(turned: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turned
    expected = PLAIN if turned == 1 else PLAIN.transpose(Image.Transpose.ROTATE_270)
    assert away(drawing.saved(P3, "JPEG", icc_profile=P3_PROFILE, exif=exif, **BEST), expected) < 2.5


@pytest.mark.parametrize("profile", [drawing.rgb_profile(drawing.SRGB[:, ::-1])[:200], b"no profile at all", b"\0" * 128])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA"])
def test_a_damaged_profile_is_ignored(mode: str, profile: bytes) -> None:
    kind, options = ("PNG", {}) if mode == "RGBA" else ("JPEG", BEST)
    assert away(drawing.saved(PLAIN.convert(mode), kind, icc_profile=profile, **options), GREY if mode == "L" else PLAIN) < 2.5


@pytest.mark.parametrize("seed", range(20))
def test_a_profile_with_damaged_bytes_ends_in_a_picture(seed: int) -> None:
    rng = np.random.default_rng(seed)
    profile = bytearray([P3_PROFILE, drawing.cmyk_profile()][seed % 2])
    profile[rng.integers(0, len(profile))] ^= 0xFF
    picture = PLAIN.convert(("RGB", "CMYK")[seed % 2])
    assert read(drawing.saved(picture, "JPEG", icc_profile=bytes(profile))).shape == (225, 300, 3)


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", drawing.grey_profile(1.0)),
        ("RGB", drawing.cmyk_profile()),
        ("CMYK", P3_PROFILE),
        ("CMYK", drawing.grey_profile(1.0)),
        ("L", drawing.cmyk_profile()),
    ],
)
def test_a_profile_for_other_channels_is_ignored(mode: str, profile: bytes) -> None:
    assert away(drawing.saved(PLAIN.convert(mode), "JPEG", icc_profile=profile, **BEST), GREY if mode == "L" else PLAIN) < 2.5


# Cyan, magenta, yellow and black, each at full in one quarter.
INKS = np.zeros((32, 32, 4), np.uint8)
for _i, (_row, _column) in enumerate(((0, 0), (0, 16), (16, 0), (16, 16))):
    INKS[_row : _row + 16, _column : _column + 16, _i] = 255
CYAN, MAGENTA, YELLOW, BLACK = (0, 255, 255), (255, 0, 255), (255, 255, 0), (0, 0, 0)


@pytest.mark.parametrize(
    ("profile", "printed"),
    [
        (None, (CYAN, MAGENTA, YELLOW, BLACK)),
        (drawing.cmyk_profile(), (CYAN, MAGENTA, YELLOW, BLACK)),
        (drawing.cmyk_profile("ymck"), (YELLOW, MAGENTA, CYAN, BLACK)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_are_what_the_profile_says(kind: str, profile: bytes | None, printed: tuple) -> None:
    picture = Image.frombytes("CMYK", (32, 32), INKS.tobytes())
    options = BEST | ({"icc_profile": profile} if profile else {})
    pixels = read(drawing.saved(picture, kind, **options))
    for colour, (row, column) in zip(printed, ((8, 8), (8, 24), (24, 8), (24, 24)), strict=True):
        assert np.abs(pixels[row, column] - colour).max() <= 4


def test_lab_needs_no_profile() -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    picture = ImageCms.profileToProfile(PLAIN, srgb, lab, outputMode="LAB")
    assert picture is not None
    assert away(drawing.saved(picture, "TIFF")) < 2.5


def test_page_command_line_batch_and_training_see_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path = tmp_path / "photo.png"
    seen: list[Any] = []
    P3.save(path, icc_profile=P3_PROFILE)

    def predict_batch(name: str, pictures: list[Image.Image]) -> list[inference.Prediction]:
        seen.extend(pictures)
        return [inference.Prediction(name, dict.fromkeys(MODELS[name].labels, 0.5), picture, 0.0) for picture in pictures]

    monkeypatch.setattr(inference, "predict_batch", predict_batch)
    list(engine.rows(picture_files.found([path]), [("siim_cnn_v2", "0" * 64)]))
    seen += [PictureInput().preprocess(ImageData(path=str(path))), PictureFile(Root(tmp_path), "photo.png").open()]
    assert len(seen) == 3
    for picture in seen:
        assert np.abs(np.asarray(picture).astype(int) - np.asarray(PLAIN)).mean() < 0.5
