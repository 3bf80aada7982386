"""No caller opens a file of the server that was not uploaded, by any component, event or endpoint."""

from __future__ import annotations

import json
import os
import re
import stat
import urllib.request
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from skinmodels import examples
from skinmodels.errors import SkinModelError
from skinmodels.ui import page, uploads
from skinmodels.ui.upload_guard import REFUSED, check, uploaded

META = {"_type": "gradio.FileData"}


def schema(component: Any) -> str:
    """Of what the component is sent, as JSON; empty where that is no file."""
    model = getattr(component, "data_model", None)
    return "" if model is None else json.dumps(model.model_json_schema())


@pytest.fixture(scope="module")
def demo() -> gr.Blocks:
    return page.build()


def events(demo: gr.Blocks) -> list[tuple[int, list[int]]]:
    """Every function of the page, public or not, that is handed a path: its number and where the paths stand."""
    found = []
    for number, function in demo.fns.items():
        places = [i for i, component in enumerate(function.inputs) if '"path"' in schema(component)]
        if places:
            found.append((number, places))
    return found


def call(url: str, number: int, data: list[Any]) -> dict[str, Any]:
    """The last message of a call by the function's number, as the page's own script makes it."""
    session = os.urandom(8).hex()
    body = json.dumps({"data": data, "fn_index": number, "session_hash": session, "event_data": None}).encode()
    request = urllib.request.Request(f"{url}/gradio_api/queue/join", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).close()
    with urllib.request.urlopen(f"{url}/gradio_api/queue/data?session_hash={session}", timeout=120) as stream:
        for line in stream:
            if line.startswith(b"data: ") and (message := json.loads(line[6:]))["msg"] == "process_completed":
                return message
    raise AssertionError("the stream ended without an answer")


def test_the_page_has_events_that_take_paths(demo: gr.Blocks) -> None:
    public = {demo.fns[number].api_name for number, _ in events(demo) if demo.fns[number].api_visibility == "public"}
    assert public == {"kaggle", "ham10000", "siim", "isic2019", "compare", "batch"}
    assert len(events(demo)) > 2 * len(public)


def test_no_event_opens_a_file_that_was_not_uploaded(demo: gr.Blocks, server, tmp_path: Path) -> None:
    private = tmp_path / "private.tiff"
    examples.draw(3).save(private)
    (tmp_path / "link.png").symlink_to(private)
    paths = [private, tmp_path / "link.png", tmp_path / "missing.png", "/etc/passwd", f"/proc/self/root{private}", "app.py"]
    sent: list[Any] = [{"path": str(path)} for path in paths]
    sent += [{"path": str(path), "meta": META} for path in paths]
    sent += [{"path": str(private), "url": "http://127.0.0.1:9/x.png"}, {"path": str(private), "is_stream": True, "meta": META}]
    for number, places in events(demo):
        for value in sent if demo.fns[number].api_visibility == "public" else sent[:3]:
            data: list[Any] = [None] * len(demo.fns[number].inputs)
            for place in places:
                data[place] = [value] if '"array"' in schema(demo.fns[number].inputs[place]) else value
            answer = call(server.url, number, data)
            assert not answer["success"], (number, value)
            assert answer["output"]["error"] == REFUSED, (number, value)
    assert "Traceback" not in server.output.read_text(errors="replace")


def test_a_picture_that_was_uploaded_is_answered_with_and_without_meta(server, drawn_file: Path) -> None:
    boundary = "x" * 20
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'.encode()
    body += drawn_file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    with urllib.request.urlopen(urllib.request.Request(f"{server.url}/gradio_api/upload", body, kind), timeout=60) as answer:
        (path,) = json.loads(answer.read())
    for value in ({"path": path}, {"path": path, "meta": META}):
        data = json.dumps({"data": [value, "ham_cnn28"]}).encode()
        request = urllib.request.Request(f"{server.url}/gradio_api/call/ham10000", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            event = json.loads(answer.read())["event_id"]
        with urllib.request.urlopen(f"{server.url}/gradio_api/call/ham10000/{event}", timeout=120) as answer:
            assert b"event: complete" in answer.read()


def test_paths_are_followed_before_they_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, outside = tmp_path / "uploads", tmp_path / "outside.png"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    Image.new("RGB", (9, 9)).save(outside)
    Image.new("RGB", (9, 9)).save(folder / "a.png")
    (folder / "link.png").symlink_to(outside)
    assert uploaded(str(folder / "a.png")) == folder / "a.png"
    refused = [folder / "link.png", folder / ".." / "outside.png", folder, f"{folder}-other/a.png", "a\0b", "x" * 5000, "", "."]
    for path in refused:
        with pytest.raises(SkinModelError, match=f"^{re.escape(REFUSED)}$"):
            uploaded(str(path))


def test_only_an_address_that_gradio_fetches_itself_may_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    check([{"path": "https://example.org/a.png", "meta": META}, None, "text", {"value": 1}])
    for value in (
        {"path": "https://example.org/a.png"},
        {"path": "file:///etc/passwd", "meta": META},
        {"value": {"path": "/etc"}},
    ):
        with pytest.raises(SkinModelError, match="was uploaded to this page"):
            check([[value]])


def test_nobody_else_on_the_machine_reads_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    assert stat.S_IMODE(uploads.own_folder().stat().st_mode) == 0o700
