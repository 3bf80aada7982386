"""Pictures on their way in and out of the page."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData
from PIL import Image

from skinmodels import images
from skinmodels.ui.components.served_image import KeptImage
from skinmodels.ui.errors import shown
from skinmodels.ui.upload_guard import uploaded

# Formats that browsers have no preview for: people see the decoded picture instead.
_NOT_SHOWN_BY_BROWSERS = ("TIFF", "HEIF")

# How wide the network's view is drawn at most, in pixels: a phone shows as much without shrinking it.
_VIEW = 336

# Under this name a decoded preview, a PNG, says which file it stands for. Signed, so that no other picture can say so.
_ORIGINAL = "original"
_KEY = secrets.token_bytes(32)


def preview(picture: Image.Image | None) -> Image.Image | dict:
    """The uploaded picture where the browser cannot show its file itself, else no change."""
    if picture is not None and picture.info.get("format") in _NOT_SHOWN_BY_BROWSERS:
        # Gradio writes text of ``info`` into the PNG it makes.
        digest = picture.info["sha256"]
        picture.info = {_ORIGINAL: f"{digest} {_signature(digest, picture)}"}
        return picture
    return gr.skip()


def sha256(path: str | Path) -> str:
    """Of the file's bytes, 64 hex digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _original(path: Path, picture: Image.Image) -> str | None:
    """The SHA-256 of the file that this one is the preview of; None where it is no preview of ours."""
    if picture.info["format"] != "PNG":
        return None
    with Image.open(path, formats=("PNG",)) as image:
        digest, _, signature = str(image.info.get(_ORIGINAL, "")).partition(" ")
    if not signature.isascii():
        return None
    return digest if signature and hmac.compare_digest(signature, _signature(digest, picture)) else None


def _signature(digest: str, picture: Image.Image) -> str:
    return hmac.new(_KEY, digest.encode() + hashlib.sha256(picture.tobytes()).digest(), "sha256").hexdigest()


def enlarged(seen: Image.Image) -> Image.Image:
    """The network's view, each of its pixels a square of whole screen pixels, nothing smoothed."""
    factor = max(1, _VIEW // max(seen.size))
    return seen.resize((seen.width * factor, seen.height * factor), Image.Resampling.NEAREST)


# The last thing here: the stub that Gradio writes beside a file with a component ends with the component.
class PictureInput(KeptImage):
    """``gr.Image`` whose file is read by ``images.read``; the handler gets an RGB picture or None.

    The picture's ``info`` also has ``sha256``: of the bytes of the file that was chosen.
    ``gr.Image`` opens files itself and would drop transparency, clip 16-bit grey and raise its own errors.
    """

    @shown
    def preprocess(self, payload: ImageData | None) -> Image.Image | None:  # type: ignore[override]
        if payload is None or payload.path is None:
            return None
        path = uploaded(payload.path)
        picture = images.read(path, images.MAX_DECODED_BYTES)
        picture.info["sha256"] = _original(path, picture) or sha256(path)
        return picture
