"""The tab "Compare" and links in headless Chromium; page, HTTP, MCP and command line answer alike."""

from __future__ import annotations

import ast
import asyncio
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from conftest import ROOT, Server, start, stop
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from playwright.sync_api import Browser, Locator, Page, expect
from test_browser import PATIENCE, browser, opened, page, upload  # noqa: F401

from skinmodels import links
from skinmodels.registry import MODELS
from skinmodels.sources import DATASETS

# What a link loses by rounding, and float32 by another batch size.
CLOSE = 1e-5


def compared(page: Page, file: Path) -> Locator:  # noqa: F811
    """The panel of Compare with all models' answers for that picture."""
    page.get_by_role("tab", name="Compare", exact=True).click()
    panel = page.locator("[role=tabpanel]:visible")
    upload(panel, file)
    expect(panel.locator("#done-compare")).to_contain_text(f"Answered: {len(MODELS)} models", timeout=PATIENCE)
    return panel


def copied(panel: Locator) -> str:
    """The link that "Copy link" makes."""
    panel.get_by_role("button", name="Copy link").click()
    box = panel.get_by_label("Link to this result")
    expect(box).to_have_value(re.compile("#result="))
    return box.input_value()


def figures(place: Locator) -> dict[str, list[str]]:
    """Highest class, probability and malignancy by model, as a table of answers shows them."""
    rows = place.locator("tr[data-model]").all()
    return {str(row.get_attribute("data-model")): row.locator("td:not(.picture)").all_inner_texts()[:3] for row in rows}


def in_link(link: str) -> dict[str, dict[str, float]]:
    """The probabilities a link holds, by model and label."""
    found = links.read(urlparse(link).fragment, (), 0)
    assert isinstance(found, links.Result)
    return {answer.name: answer.probabilities for answer in found.answers}


@pytest.fixture
def restarted(weights_folder: Path, tmp_path: Path) -> Iterator[Server]:
    """The page in a new process, which knows nothing of what another one was asked."""
    process, server = start(weights_folder, tmp_path / "output.txt")
    yield server
    stop(process)


def test_a_copied_link_shows_the_same_figures_after_a_restart(
    page: Page,  # noqa: F811
    browser: Browser,  # noqa: F811
    restarted: Server,
    drawn_file: Path,
    drawn: Any,
    tmp_path: Path,
) -> None:
    panel = compared(page, drawn_file)
    before = figures(panel)
    assert set(before) == set(MODELS)
    assert panel.locator("tr[data-model] td.picture img").count() == len(MODELS)
    link = copied(panel)
    assert len(link) < 2000
    assert "thumbnail" not in link

    context = browser.new_context()
    other = context.new_page()
    other.goto(f"{restarted.url}/#{urlparse(link).fragment}")
    saved = other.locator("#saved")
    expect(saved.locator("tr[data-model]")).to_have_count(len(MODELS), timeout=PATIENCE)
    expect(saved).to_contain_text("not verified")
    expect(saved).to_contain_text(hashlib.sha256(drawn_file.read_bytes()).hexdigest())
    assert figures(saved) == before

    upload(saved, drawn_file)
    expect(saved).to_contain_text("The same picture.", timeout=PATIENCE)
    expect(saved).to_contain_text("All probabilities are those of the link.")
    saved.get_by_label("Remove Image").click()
    drawn(6).save(tmp_path / "other.png")
    upload(saved, tmp_path / "other.png")
    expect(saved).to_contain_text("Not the same file.", timeout=PATIENCE)
    context.close()


def test_the_thumbnail_is_in_the_link_only_where_it_is_ticked(page: Page, drawn_file: Path) -> None:  # noqa: F811
    panel = compared(page, drawn_file)
    panel.get_by_label("with a 32x32 thumbnail").check()
    link = copied(panel)
    assert len(link) < 2000
    found = links.read(urlparse(link).fragment, (), 0)
    assert isinstance(found, links.Result)
    assert found.thumbnail is not None
    assert found.thumbnail.size == (32, 32)


def test_links_to_a_tab_a_model_and_an_example(page: Page, server: Server) -> None:  # noqa: F811
    page.goto(f"{server.url}/#tab=models")
    expect(page.get_by_role("tab", name="Models", exact=True)).to_have_attribute("aria-selected", "true")
    page.goto(f"{server.url}/#tab=kaggle&model=kaggle_cnn_small&example=2")
    expect(page.get_by_role("tab", name=DATASETS["kaggle"].tab)).to_have_attribute("aria-selected", "true")
    panel = page.locator("[role=tabpanel]:visible")
    expect(panel.get_by_label(MODELS["kaggle_cnn_small"].title)).to_be_checked()
    expect(panel.locator("#done-kaggle")).to_contain_text("Highest", timeout=PATIENCE)


def forged(*, name: str = "ham_cnn28", version: int = 1) -> str:
    text = json.dumps(["0" * 64, [[name, "0123abcd", [1_000_000, 0, 0, 0, 0, 0, 0]]]])
    return "result=" + base64.urlsafe_b64encode(bytes([version]) + zlib.compress(text.encode())).decode().rstrip("=")


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("result=AAAA", "older or newer version"),
        (forged(name="<img src=x onerror=document.title='broken'>"), "not here, or not any more"),
        ("tab=<img src=x onerror=document.title='broken'>", "not here"),
        ("result=" + "A" * 20_000, "far more than a result"),
    ],
)
def test_a_hand_made_link_gives_one_sentence(fragment: str, words: str, page: Page, server: Server) -> None:  # noqa: F811
    page.goto(f"{server.url}/#{fragment}")
    saved = page.locator("#saved")
    expect(saved).to_contain_text("This link cannot be opened.")
    expect(saved).to_contain_text(words)
    assert saved.locator("img").count() == 0
    assert "broken" not in page.title()


async def _tool(url: str, name: str, arguments: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The names of all MCP tools, and what one of them answers."""
    async with (
        streamable_http_client(f"{url}/gradio_api/mcp/") as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        answer = await session.call_tool(name, arguments)
    assert not answer.isError, answer.content
    return tools, ast.literal_eval(answer.content[0].text)  # type: ignore[union-attr]


def by_model(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    return {row["model"]: row["probabilities"] for row in rows}


def test_page_http_mcp_and_command_line_give_the_same_probabilities(
    page: Page,  # noqa: F811
    server: Server,
    drawn_file: Path,
    weights_folder: Path,
) -> None:
    told = by_model(Client(server.url, verbose=False).predict(handle_file(drawn_file), api_name="/compare")["rows"])
    assert set(told) == set(MODELS)

    data = "data:image/png;base64," + base64.b64encode(drawn_file.read_bytes()).decode()
    # Playwright's event loop runs in this thread.
    with ThreadPoolExecutor(1) as pool:
        tools, answer = pool.submit(lambda: asyncio.run(_tool(server.url, "compare", {"picture": data}))).result()
    assert set(tools) == {*DATASETS, "compare", "batch", "models"}
    command = [sys.executable, "-m", "skinmodels", "predict", str(drawn_file), "--json"]
    environment = os.environ | {"SKINMODELS_WEIGHTS": str(weights_folder)}
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=True).stdout
    shown = in_link(copied(compared(page, drawn_file)))

    for others in (by_model(answer["rows"]), by_model(json.loads(printed)), shown):
        assert set(others) == set(told)
        for name, probabilities in told.items():
            assert others[name] == pytest.approx(probabilities, abs=CLOSE)


def test_every_endpoint_says_what_it_takes_and_gives(server: Server) -> None:
    endpoints = Client(server.url, verbose=False).view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {f"/{name}" for name in (*DATASETS, "compare", "batch", "models")}
    for name, endpoint in endpoints.items():
        assert "Research only, never a diagnosis." in endpoint["description"], name
        for parameter in endpoint["parameters"]:
            assert parameter["python_type"]["type"] not in ("", "Any"), (name, parameter["parameter_name"])
