"""MCP's answers: JSON as text and as structured content, and errors in this page's own sentences.

Gradio writes what a function returned as Python prints it.
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import Any

import gradio.mcp
from gradio.processing_utils import add_root_url
from gradio_client.utils import is_file_obj_with_meta

from skinmodels.errors import SkinModelError
from skinmodels.ui import fetch
from skinmodels.ui.errors import UNEXPECTED

# How Gradio's client begins its own text where a call failed without a sentence.
_UPSTREAM = "The upstream Gradio app has raised an exception"

_answered: ContextVar[dict[str, Any]] = ContextVar("_answered")


class JsonServer(gradio.mcp.GradioMCPServer):
    """Gradio's MCP server, whose tools answer in JSON: one output as it is, several as a list in their order."""

    def create_mcp_server(self) -> Any:
        server: Any = super().create_mcp_server()
        handler = server.request_handlers[self.types.CallToolRequest]

        async def answer(request: Any) -> Any:
            answered: dict[str, Any] = {}
            token = _answered.set(answered)
            try:
                result = await handler(request)
            finally:
                _answered.reset(token)
            if result.root.isError:
                result.root.content = [self.types.TextContent(type="text", text=_told(result.root.content))]
            elif answered:
                result.root.structuredContent = answered
            return result

        server.request_handlers[self.types.CallToolRequest] = answer
        return server

    async def _execute_tool_without_progress(self, job: Any) -> list[Any]:
        """The outputs, which Gradio's own takes for one where there are several."""
        (result,) = await super()._execute_tool_without_progress(job)
        return list(result) if isinstance(result, tuple) else [result]

    def postprocess_output_data(self, data: Any, root_url: str) -> list[Any]:
        """Pictures as pictures, and each output as JSON, in which files are their addresses."""
        plain = [_plain(its) for its in add_root_url(data, root_url, None)]
        pictures = [its for its in super().postprocess_output_data(data, root_url) if isinstance(its, self.types.ImageContent)]
        _answered.get({})["result"] = plain[0] if len(plain) == 1 else plain
        texts = [self.types.TextContent(type="text", text=json.dumps(its, ensure_ascii=False)) for its in plain]
        return [*pictures, *texts]

    def convert_strings_to_filedata(self, value: Any, filedata_positions: list[list[str | int]]) -> Any:
        """As it is: addresses are fetched where all calls come together, see ``calls``. Refuses what is no address."""
        for path in filedata_positions:
            its = value
            for key in path:
                its = its.get(key) if isinstance(its, dict) else None
            if isinstance(its, str) and not its.startswith(fetch.SCHEMES):
                raise SkinModelError("Expected a file as its http:, https: or data: URL. Received: other text.")
        return value


def _plain(value: Any) -> Any:
    """An output for programs, with the address in place of everything Gradio says of a file."""
    if is_file_obj_with_meta(value):
        return {"url": value.get("url"), "name": value.get("orig_name")}
    if isinstance(value, dict):
        return {key: _plain(its) for key, its in value.items()}
    return [_plain(its) for its in value] if isinstance(value, list | tuple) else value


def _told(content: list[Any]) -> str:
    text = " ".join(getattr(its, "text", "") for its in content).removeprefix("Error: ")
    return UNEXPECTED if not text or text.startswith(_UPSTREAM) else text


def install() -> None:
    """From now on pages are launched with this server; to be called before ``launch``."""
    gradio.mcp.GradioMCPServer = JsonServer  # type: ignore[misc]
