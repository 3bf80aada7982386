"""Pictures that the page sends, as files that may be read while the same picture is answered again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import encode_pil_to_bytes, hash_bytes
from PIL import Image


def kept(picture: Image.Image, folder: str) -> str:
    """The path of the picture as a PNG in Gradio's ``folder`` of files that it sends and later deletes, named by its bytes.

    Gradio's own way writes over the file that is there, even while somebody is being sent it: models that see a picture
    alike, or people who ask about the same one, then get half a file.
    """
    data = encode_pil_to_bytes(picture, "png")
    # The very place that Gradio would take, so that it finds the file there and deletes it in time.
    file = Path(folder).resolve() / hash_bytes(data) / "image.png"
    if file.exists():
        os.utime(file)  # its age counts from now
        return str(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as beside:
        beside.write(data)
    os.replace(beside.name, file)
    return str(file)


# The last thing here: the stub that Gradio writes beside a file with a component ends with the component.
class KeptImage(gr.Image):
    """``gr.Image`` that shows a picture as a PNG which is never half written."""

    def get_block_name(self) -> str:
        """Tells the frontend to draw it as the component it extends."""
        return "image"

    def postprocess(self, value: Any) -> Any:
        return super().postprocess(kept(value, self.GRADIO_CACHE) if isinstance(value, Image.Image) else value)
