"""What the network saw, on the page."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image

from skinmodels.ui.kept import kept


# The last thing here: the stub that Gradio writes beside a file with a component ends with the component.
class SeenOutput(gr.Image):
    """``gr.Image`` that shows a picture as a PNG which is never half written."""

    def get_block_name(self) -> str:
        """Tells the frontend to draw it as the component it extends."""
        return "image"

    def postprocess(self, value: Any) -> Any:
        return super().postprocess(kept(value, self.GRADIO_CACHE) if isinstance(value, Image.Image) else value)
