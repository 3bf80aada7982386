"""Pictures on their way in and out of the page."""

from __future__ import annotations

import gradio as gr
from gradio.data_classes import ImageData
from PIL import Image

from skinmodels import images
from skinmodels.ui.edge import shown

# Formats that browsers have no preview for: people see the decoded picture instead.
_NOT_SHOWN_BY_BROWSERS = ("TIFF", "HEIF")

# How wide the network's view is drawn at most, in pixels: a phone shows as much without shrinking it.
_VIEW = 336


class PictureInput(gr.Image):
    """``gr.Image`` whose file is read by ``images.read``; the handler gets an RGB picture or None.

    ``gr.Image`` opens files itself and would drop transparency, clip 16-bit grey and raise its own errors.
    """

    def get_block_name(self) -> str:
        """Tells the frontend to draw it as the component it extends."""
        return "image"

    @shown
    def preprocess(self, payload: ImageData | None) -> Image.Image | None:  # type: ignore[override]
        return None if payload is None or payload.path is None else images.read(payload.path, images.MAX_DECODED_BYTES)


def preview(picture: Image.Image | None) -> Image.Image | dict:
    """The uploaded picture where the browser cannot show its file itself, else no change."""
    if picture is not None and picture.info.get("format") in _NOT_SHOWN_BY_BROWSERS:
        return picture
    return gr.skip()


def enlarged(seen: Image.Image) -> Image.Image:
    """The network's view, each of its pixels a square of whole screen pixels, nothing smoothed."""
    factor = max(1, _VIEW // max(seen.size))
    return seen.resize((seen.width * factor, seen.height * factor), Image.Resampling.NEAREST)
