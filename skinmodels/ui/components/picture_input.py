"""Where a picture is put in: uploaded, taken or clicked on."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.helpers import Examples

from skinmodels.ui.components.picture import PictureInput


def picture_input() -> PictureInput:
    """Where a picture is put in, in every tab."""
    return PictureInput(
        label="Picture",
        sources=["upload", "webcam", "clipboard"],
        format="png",
        height=320,
        buttons=["fullscreen"],
        alt_text="The picture to classify",
    )


def example_gallery(picture: PictureInput, paths: list[Path], label: str) -> Examples:
    """Pictures to click on."""
    return gr.Examples([[str(path)] for path in paths], picture, label=label, cache_examples=False, api_visibility="private")
