"""No file of the server is opened but those that were uploaded to it.

Gradio checks a path only where ``"meta": {"_type": "gradio.FileData"}`` stands beside it, and callers choose what stands there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio import utils

from skinmodels.errors import SkinModelError
from skinmodels.ui.errors import shown

# The same whether such a file exists or not.
REFUSED = "Expected a file that was uploaded to this page, or its http:, https: or data: URL. Received: another path."


def uploaded(path: str) -> Path:
    """The file of that path, links followed, where it lies in this process's upload folder. Raises SkinModelError elsewhere."""
    folder = Path(utils.get_upload_folder()).resolve()
    try:
        file = Path(path).resolve()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, a loop of links
        raise SkinModelError(REFUSED) from None
    if folder not in file.parents:
        raise SkinModelError(REFUSED)
    return file


def check(value: Any) -> None:
    """Raises SkinModelError where a value sent for a component names, anywhere in it, a path that was not uploaded.

    An address of http: or https: that Gradio will fetch itself (it has the ``meta``) may stand.
    """
    if isinstance(value, list | tuple):
        for its in value:
            check(its)
    elif isinstance(value, dict):
        path = value.get("path")
        if isinstance(path, str) and not _is_fetched(path, value):
            uploaded(path)
        for its in value.values():
            check(its)


def _is_fetched(path: str, value: dict[str, Any]) -> bool:
    meta = value.get("meta")
    return path.startswith(("http://", "https://")) and isinstance(meta, dict) and meta.get("_type") == "gradio.FileData"


class GuardedBlocks(gr.Blocks):
    """``gr.Blocks`` that hands no component, of whatever kind, a path that was not uploaded."""

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> list[Any]:
        shown(check)(inputs)
        return await super().preprocess_data(block_fn, inputs, state, explicit_call)
