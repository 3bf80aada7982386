"""What a file says beside its pixels, such as where it was taken, stays with the file: nothing sent back repeats it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.data_classes import ImageData
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from skinmodels import images, permalinks
from skinmodels.registry import MODELS
from skinmodels.ui.components.picture import PictureInput, enlarged, preview
from skinmodels.ui.components.served_image import KeptImage

MARK = "who-and-where"
KINDS = ["JPEG", "PNG", "TIFF", "WEBP", "HEIF", "AVIF", "GIF"]
# Chunks and blocks that hold it, and what programs write into a PNG in place of one.
NAMES = (b"Exif", b"eXIf", b"EXIF", b"xmp", b"http://ns.adobe.com", b"Raw profile", b"iTXt", b"zTXt")


@pytest.fixture(params=KINDS)
def told(request: pytest.FixtureRequest, tmp_path: Path, drawn) -> Path:
    """A picture whose file says in every way its kind has who took it, and where."""
    path = tmp_path / f"picture.{request.param.lower()}"
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = MARK  # ImageDescription, Artist
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 30.0), 3: "E", 4: (16.0, 22.0, 12.0), 29: "2026:01:01"})
    options: dict[str, Any] = {"exif": exif.tobytes() if request.param in ("HEIF", "AVIF") else exif}
    if request.param == "PNG":
        options["pnginfo"] = text = PngInfo()
        text.add_text("Author", MARK)
        text.add_itxt("XML:com.adobe.xmp", f"<x>{MARK}</x>")
    elif request.param == "GIF":
        options = {"comment": MARK.encode()}
    else:
        options |= {"xmp": f"<x>{MARK}</x>".encode()} if request.param in ("JPEG", "WEBP", "AVIF", "HEIF") else {}
        options |= {"comment": MARK.encode()} if request.param == "JPEG" else {}
    drawn(3).save(path, request.param, **options)
    assert MARK.encode() in path.read_bytes()
    return path


def silent(path: Path | str) -> None:
    """The file says nothing of the kind."""
    data = Path(path).read_bytes()
    assert MARK.encode() not in data
    assert not [name for name in NAMES if name in data]
    with Image.open(path) as image:
        assert not dict(image.getexif())
        assert not image.getexif().get_ifd(0x8825)
        assert MARK not in str(image.info)


def test_a_picture_that_was_read_has_its_pixels_alone(told: Path) -> None:
    picture = images.read(told)
    assert list(picture.info) == ["format"]
    assert not dict(picture.getexif())


def test_what_the_page_sends_back_is_silent(told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The preview of a file that browsers cannot show, and what the network saw, which may be as large as the picture was."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with gr.Blocks():
        chosen, seen = PictureInput(), KeptImage(format="png")
    picture = chosen.preprocess(ImageData(path=str(told)))
    assert picture is not None
    for sent in (picture.copy(), enlarged(MODELS["ham_cnn28"].preprocessing.picture(picture)), picture):
        shown = seen.postprocess(sent)
        assert shown is not None
        silent(shown.path)
    decoded = preview(picture)
    assert isinstance(decoded, Image.Image) == (told.suffix in (".tiff", ".heif"))
    if isinstance(decoded, Image.Image):
        shown = chosen.postprocess(decoded)
        assert shown is not None
        silent(shown.path)


def test_a_link_is_silent(told: Path, tmp_path: Path) -> None:
    thumbnail = permalinks.to_thumbnail(images.read(told))
    (tmp_path / "thumbnail.webp").write_bytes(permalinks._to_bytes(thumbnail.rpartition("=")[2]))
    silent(tmp_path / "thumbnail.webp")
