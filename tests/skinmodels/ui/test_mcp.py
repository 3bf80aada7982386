"""Every endpoint as an MCP tool, asked by the official client."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from skinmodels.registry import MODELS
from skinmodels.sources import DATASETS


def asked(url: str, tool: str, arguments: dict[str, Any], progress: bool = False) -> Any:
    async def ask() -> Any:
        async with (
            streamable_http_client(f"{url}/gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            if tool == "":
                return await session.list_tools()

            async def seen(progress: float, total: float | None, message: str | None) -> None: ...

            return await session.call_tool(tool, arguments, progress_callback=seen if progress else None)

    return asyncio.run(ask())


@pytest.fixture
def data_url(drawn_file: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(drawn_file.read_bytes()).decode()}"


def texts(result: Any) -> list[Any]:
    return [json.loads(its.text) for its in result.content if its.type == "text"]


def test_every_endpoint_is_a_tool(server) -> None:
    names = {tool.name for tool in asked(server.url, "", {}).tools}
    assert names == {*DATASETS, "compare", "batch", "models"}


@pytest.mark.parametrize("progress", [False, True])
def test_a_picture_is_answered_in_json(progress: bool, server, data_url: str) -> None:
    result = asked(server.url, "ham10000", {"picture": data_url, "model": "ham_cnn28"}, progress)
    assert not result.isError
    assert [its.type for its in result.content].count("image") == 1
    assert result.structuredContent["result"] == texts(result)
    figures = result.structuredContent["result"][3]
    assert figures["rows"][0]["model"] == "ham_cnn28"
    assert sum(figures["rows"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_models_left_out_are_all(server, data_url: str) -> None:
    result = asked(server.url, "compare", {"picture": data_url})
    assert [row["model"] for row in result.structuredContent["result"]["rows"]] == list(MODELS)
    assert [result.structuredContent["result"]] == texts(result)


def test_batch_and_models(server, data_url: str) -> None:
    rows, csv, *_ = asked(server.url, "batch", {"files": [data_url], "models": ["ham_cnn28"]}).structuredContent["result"]
    assert rows[0]["model"] == "ham_cnn28"
    assert csv["url"].startswith("http://127.0.0.1")
    found = asked(server.url, "models", {}).structuredContent["result"]
    assert set(MODELS) <= {row["model"] for row in found}


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "text": ("ham10000", {"picture": "a string"}, "data: URL"),
    "inside": ("ham10000", {"picture": "http://127.0.0.1:9/x.jpg"}, "public server"),
    "path": ("ham10000", {"picture": "/etc/hostname"}, "data: URL"),
    "file address": ("kaggle", {"picture": "file:///etc/hostname"}, "data: URL"),
    "no picture": ("ham10000", {"picture": "data:image/png;base64,YWJj"}, "Expected"),
    "in a list": ("batch", {"files": ["/etc/hostname"]}, "data: URL"),
    "no models": ("compare", {"picture": "data:image/png;base64,YWJj", "models": []}, "Expected"),
}


@pytest.mark.parametrize("progress", [False, True])
@pytest.mark.parametrize("case", BAD)
def test_errors_are_our_sentences(case: str, progress: bool, server) -> None:
    tool, arguments, words = BAD[case]
    result = asked(server.url, tool, arguments, progress)
    assert result.isError
    (content,) = result.content
    assert content.text.startswith("Expected")
    assert words in content.text
    assert "Traceback" not in server.output.read_text(errors="replace")
