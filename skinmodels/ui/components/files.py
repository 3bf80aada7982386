"""Files on their way in: what people sent, under the names they gave."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, GradioRootModel, ListFiles
from gradio.processing_utils import save_base64_to_cache

from skinmodels import images
from skinmodels.batch import picture_files
from skinmodels.errors import SkinModelError
from skinmodels.ui.errors import shown
from skinmodels.ui.upload_guard import uploaded


@dataclass(frozen=True)
class Upload:
    """A file someone sent: where it lies on the server, and what they call it, without folders."""

    path: Path
    name: str


def _name(file: FileData) -> str:
    """Browsers and clients may say anything here; it is shown and written, never opened."""
    return picture_files.shown(re.split(r"[/\\]", file.orig_name or "")[-1] or Path(file.path).name)


class _Sent(GradioRootModel):
    """Several files. MCP turns the URL of a single file into a file, but hands on those in a list as they are."""

    root: list[FileData | str]


def several(**options: Any) -> FilesInput:
    """A ``FilesInput`` for more than one file. Not in its ``__init__``, whose arguments Gradio reads off for the browser."""
    files = FilesInput(file_count="multiple", **options)
    files.data_model = _Sent
    return files


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """A JSON schema with what it refers to in its place: MCP copies a component's schema, where references lead nowhere."""
    if isinstance(schema, list):
        return [_inlined(its, definitions) for its in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(its, definitions) for key, its in schema.items() if key != "$defs"}


# The last thing here, for Gradio's stub, see picture.py.
class FilesInput(gr.File):
    """``gr.File`` whose handler gets a list of ``Upload``: the server's copies have lost the names that people gave."""

    def get_block_name(self) -> str:
        """Tells the frontend to draw it as the component it extends."""
        return "file"

    def api_info(self) -> dict[str, Any]:
        """One file or a list of files, for programs."""
        schema = (ListFiles if self.file_count == "multiple" else FileData).model_json_schema()
        return _inlined(schema, schema["$defs"])

    @shown
    def preprocess(self, payload: _Sent | FileData | None) -> list[Upload]:  # type: ignore[override]
        files = [] if payload is None else payload.root if isinstance(payload, _Sent) else [payload]
        return [Upload(uploaded(file.path), _name(file)) for file in map(self._file, files)]

    def _file(self, sent: FileData | str) -> FileData:
        """The file; one that came as its URL is fetched by Gradio, which also keeps from addresses that are not public."""
        if isinstance(sent, FileData):
            return sent
        if sent.startswith("data:"):
            if len(sent) > images.MAX_BYTES * 4 // 3 + 1000:
                raise SkinModelError("Expected files of at most 20 MB. Received: a larger one.")
            path = save_base64_to_cache(sent, self.GRADIO_CACHE)
            self.temp_files.add(path)
        elif sent.startswith(("http://", "https://")):
            path = str(self.move_resource_to_block_cache(sent))
        else:
            raise SkinModelError("Expected files, or their http:, https: or data: URLs. Received: something else.")
        return FileData(path=path)
