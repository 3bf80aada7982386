"""Files on their way in: what people sent, under the names they gave."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from skinmodels import collection


@dataclass(frozen=True)
class Upload:
    """A file someone sent: where it lies on the server, and what they call it, without folders."""

    path: Path
    name: str


def _name(file: FileData) -> str:
    """Browsers and clients may say anything here; it is shown and written, never opened."""
    return collection.shown(re.split(r"[/\\]", file.orig_name or "")[-1] or Path(file.path).name)


# The last thing here, for Gradio's stub, see picture.py.
class FilesInput(gr.File):
    """``gr.File`` whose handler gets a list of ``Upload``: the server's copies have lost the names that people gave."""

    def get_block_name(self) -> str:
        """Tells the frontend to draw it as the component it extends."""
        return "file"

    def preprocess(self, payload: ListFiles | FileData | None) -> list[Upload]:  # type: ignore[override]
        files = [] if payload is None else payload.root if isinstance(payload, ListFiles) else [payload]
        return [Upload(Path(file.path), _name(file)) for file in files]
