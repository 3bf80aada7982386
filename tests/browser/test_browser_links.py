"""The tab "Compare" and links in headless Chromium; page, HTTP, MCP and command line answer alike."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from conftest import PATIENCE, ROOT, Server, opened, start, stop, upload
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from playwright.sync_api import Browser, Locator, Page, expect

from skinmodels import permalinks
from skinmodels.registry import MODELS
from skinmodels.sources import DATASETS

# What a link loses by rounding, and float32 by another batch size.
CLOSE = 1e-5


@dataclass(frozen=True)
class Compared:
    """What the page made of a drawn picture: the rows it showed, its link, and its link with a thumbnail."""

    file: Path
    rows: dict[str, list[str]]
    link: str
    with_thumbnail: str


@pytest.fixture(scope="module")
def compared(browser: Browser, server: Server, drawn: Any, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    file = tmp_path_factory.mktemp("compared") / "drawn.png"
    drawn(5).save(file)
    page = next(opened(browser, server, 1280, 900))
    page.get_by_role("tab", name="Compare", exact=True).click()
    panel = page.locator("[role=tabpanel]:visible")
    expect(panel.get_by_role("button", name="Copy link")).to_be_disabled()
    upload(panel, file)
    expect(panel.locator("#done-compare")).to_contain_text(f"Answered: {len(MODELS)} models", timeout=PATIENCE)
    assert panel.locator("tr[data-model] td.picture img").count() == len(MODELS)
    rows = figures(panel)
    link = copied(panel)
    panel.get_by_label("with a 32x32 thumbnail").check()
    with_thumbnail = copied(panel)
    page.context.close()
    return Compared(file, rows, link, with_thumbnail)


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
    found = permalinks.read(urlparse(link).fragment, (), 0)
    assert isinstance(found, permalinks.Result)
    return {answer.name: answer.probabilities for answer in found.answers}


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a page that is started now keeps what it is sent."""
    folder = tmp_path / "uploads"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_a_copied_link_shows_the_same_figures_after_a_restart(
    compared: Compared,
    browser: Browser,
    uploads: Path,
    weights_folder: Path,
    drawn: Any,
    tmp_path: Path,
) -> None:
    """A process that knows nothing of what another one was asked; neither keeps a picture."""
    process, restarted = start(weights_folder, tmp_path / "output.txt")
    context = browser.new_context()
    try:
        own_files = files_in(uploads)
        page = context.new_page()
        page.goto(f"{restarted.url}/#{urlparse(compared.with_thumbnail).fragment}")
        saved = page.locator("#saved")
        expect(saved.locator("tr[data-model]")).to_have_count(len(MODELS), timeout=PATIENCE)
        expect(saved).to_contain_text("not verified")
        expect(saved).to_contain_text(hashlib.sha256(compared.file.read_bytes()).hexdigest())
        expect(saved.get_by_alt_text("Thumbnail of the picture, from the link")).to_be_visible()
        assert figures(saved) == compared.rows
        assert files_in(uploads) == own_files

        upload(saved, compared.file)
        expect(saved).to_contain_text("The same picture.", timeout=PATIENCE)
        expect(saved).to_contain_text("All probabilities are those of the link.")
        saved.get_by_label("Remove Image").click()
        drawn(6).save(tmp_path / "other.png")
        upload(saved, tmp_path / "other.png")
        expect(saved).to_contain_text("Not the same file.", timeout=PATIENCE)
        assert files_in(uploads) > own_files
    finally:
        # While the page is still open.
        stop(process)
        context.close()
    assert files_in(uploads) == set()


def test_links_are_short_and_hold_a_thumbnail_only_where_it_is_ticked(compared: Compared) -> None:
    assert len(compared.with_thumbnail) < 2000
    assert set(compared.rows) == set(in_link(compared.link)) == set(MODELS)
    thumbnails = [permalinks.read(urlparse(link).fragment, (), 0) for link in (compared.link, compared.with_thumbnail)]
    assert [found.thumbnail and found.thumbnail.size for found in thumbnails] == [None, (32, 32)]  # type: ignore[union-attr]


def test_links_to_a_tab_a_model_and_an_example(page: Page, server: Server) -> None:
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


HTML = "<img src=x onerror=document.title='broken'>"
HOSTILE = {
    "result=AAAA": "older or newer version",
    forged(name=HTML): "not here, or not any more",
    f"tab={HTML}": "not here",
    "result=" + "A" * 20_000: "far more than a result",
    forged()[:-9]: "cut off",
    forged() + f"&thumbnail={base64.urlsafe_b64encode(HTML.encode()).decode()}": "cut off",
}


def test_a_hand_made_link_gives_one_sentence(page: Page) -> None:
    saved = page.locator("#saved")
    for fragment, words in HOSTILE.items():
        page.evaluate("fragment => { location.hash = fragment }", fragment)
        expect(saved).to_contain_text(words)
        expect(saved).to_contain_text("This link cannot be opened. Expected a link")
        assert saved.locator("img, table").count() == 0
        page.evaluate("location.hash = 'tab=models'")
        expect(saved).to_be_hidden()
    assert "broken" not in page.title()


Call = tuple[str, dict[str, Any]]


async def _called(url: str, calls: Sequence[Call]) -> tuple[list[str], list[Any]]:
    """The names of all MCP tools, and what these calls of them answer."""
    async with (
        streamable_http_client(f"{url}/gradio_api/mcp/") as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        answers = [await session.call_tool(name, arguments) for name, arguments in calls]
    for answer in answers:
        assert not answer.isError, answer.content
    return tools, [(answer.structuredContent or {})["result"] for answer in answers]


def called(url: str, calls: Sequence[Call]) -> tuple[list[str], list[Any]]:
    """In a thread of its own, as Playwright's event loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_called(url, calls))).result()


def by_model(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    return {row["model"]: row["probabilities"] for row in rows}


def test_page_http_mcp_and_command_line_give_the_same_probabilities(
    compared: Compared, server: Server, weights_folder: Path
) -> None:
    told = by_model(Client(server.url, verbose=False).predict(handle_file(compared.file), api_name="/compare")["rows"])
    assert set(told) == set(MODELS)

    data = "data:image/png;base64," + base64.b64encode(compared.file.read_bytes()).decode()
    tabs = [(spec.dataset.key, {"picture": data, "model": name}) for name, spec in MODELS.items()]
    tools, (together, batch, *alone) = called(server.url, [("compare", {"picture": data}), ("batch", {"files": [data]}), *tabs])
    assert set(tools) == {*DATASETS, "compare", "batch", "models"}

    command = [sys.executable, "-m", "skinmodels", "predict", str(compared.file), "--json"]
    environment = os.environ | {"SKINMODELS_WEIGHTS": str(weights_folder)}
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=True).stdout

    for others in (
        in_link(compared.link),
        by_model(together["rows"]),
        by_model(batch[0]),
        by_model([row for answer in alone for row in answer[-1]["rows"]]),
        by_model(json.loads(printed)),
    ):
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
    types = {its["parameter_name"]: its["python_type"]["type"] for its in endpoints["/batch"]["parameters"]}
    assert types["files"] == "list[filepath]"
    assert types["labels"] == "filepath"


def test_a_path_on_the_server_is_no_file_that_was_sent(server: Server) -> None:
    with pytest.raises(AppError, match="Expected a file that was uploaded to this page"):
        Client(server.url, verbose=False).predict([str(ROOT / "README.md")], api_name="/batch")
