"""Headers of every answer, limits on what is sent, and whose word on forwarding is taken."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from conftest import start, stop
from PIL import Image

from skinmodels.errors import FULL, SkinModelError
from skinmodels.ui import http, sessions, storage
from skinmodels.ui.errors import UNEXPECTED


def get(url: str, **headers: str) -> Any:
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30)
    except urllib.error.HTTPError as error:
        return error


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info", "/nowhere", "/gradio_api/file=/etc/passwd", "/theme.css"])
def test_every_answer_has_the_headers(path: str, server) -> None:
    with get(f"{server.url}{path}") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        policy = answer.headers["Content-Security-Policy"]
    if "file=" in path:
        assert "sandbox" in policy
        assert answer.status == 403
    else:
        assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in policy
        assert "object-src 'none'" in policy


@pytest.mark.parametrize(
    "path", ["/monitoring", "/login", "/gradio_api/vibe-code", "/gradio_api/deep_link", "/gradio_api/proxy=http://127.0.0.1:9/"]
)
def test_what_the_page_has_no_use_for_is_closed(path: str, server) -> None:
    with get(f"{server.url}{path}") as answer:
        assert answer.status == 404


def test_a_recording_is_not_taken(server) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.url}/gradio_api/process_recording", b"x", timeout=30)


def test_forwarded_headers_of_strangers_are_not_believed(server) -> None:
    with get(f"{server.url}/config", **{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}) as answer:
        assert "evil.example" not in answer.read().decode()


def test_forwarded_headers_of_the_named_proxy_are_believed(weights_folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(http.PROXY_VARIABLE, "127.0.0.1")
    process, server = start(weights_folder, tmp_path / "output.txt")
    try:
        with get(f"{server.url}/config", **{"X-Forwarded-Host": "page.example", "X-Forwarded-Proto": "https"}) as answer:
            assert json.loads(answer.read())["root"] == "https://page.example"
    finally:
        stop(process)


def test_whose_forwarded_headers_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.delenv(http.PROXY_VARIABLE, raising=False)
    assert http.proxies(share=False) == []
    assert ipaddress.ip_network("127.0.0.1") in http.proxies(share=True)
    monkeypatch.setenv(http.PROXY_VARIABLE, "10.0.0.0/8, 192.0.2.7")
    assert list(map(str, http.proxies(share=False))) == ["10.0.0.0/8", "192.0.2.7/32"]
    monkeypatch.setenv("SPACE_ID", "someone/skinmodels")
    assert ipaddress.ip_network("0.0.0.0/0") in http.proxies(share=False)
    monkeypatch.setenv(http.PROXY_VARIABLE, "my proxy")
    with pytest.raises(SkinModelError, match="my proxy"):
        http.proxies(share=False)


def through(app: Any, messages: list[dict[str, Any]], path: str = "/gradio_api/upload", **headers: str) -> list[Any]:
    """What is sent back where a request comes in as these messages; after them nothing comes any more."""
    sent: list[Any] = []
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        for message in left:
            return message
        await asyncio.sleep(3600)
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": path, "client": ("127.0.0.1", 1)}
    scope["headers"] = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(http.Front(app)(scope, receive, send))
    return sent


async def reads_all(_scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"read"})


def part(size: int, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": bytes(size), "more_body": more}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(http, "ROOM", storage.Room())
    return tmp_path


def test_a_body_that_stalls_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "STALLED", 0.1)
    sent = through(reads_all, [part(10)])
    assert sent[0]["status"] == 408
    assert b"Expected the rest" in sent[1]["body"]
    assert through(reads_all, [part(10), part(10, False)])[0]["status"] == 200


def test_json_is_limited_announced_or_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_MOST_JSON", 1000)
    assert through(reads_all, [], "/gradio_api/queue/join", content_length="1001")[0]["status"] == 413
    assert through(reads_all, [part(600), part(600)], "/gradio_api/queue/join")[0]["status"] == 413
    assert through(reads_all, [part(600), part(400, False)], "/gradio_api/queue/join")[0]["status"] == 200


def test_uploads_are_refused_when_the_folder_is_full(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(storage.VARIABLE, "1")
    (folder / "there").write_bytes(bytes(600_000))
    for sent in (through(reads_all, [], content_length="600000"), through(reads_all, [part(300_000), part(300_000)])):
        assert sent[0]["status"] == 507
        assert storage.REFUSED.encode() in sent[1]["body"]
    assert through(reads_all, [part(100_000, False)])[0]["status"] == 200


@pytest.mark.parametrize(
    ("error", "status", "words"), [(OSError(28, "full"), 507, FULL), (KeyError("secret"), 500, UNEXPECTED)]
)
def test_no_request_ends_in_a_traceback(error: Exception, status: int, words: str, folder: Path) -> None:
    async def fails(*_: Any) -> None:
        raise error

    sent = through(fails, [])
    assert sent[0]["status"] == status
    assert words in json.loads(sent[1]["body"])["detail"]


def test_a_page_is_known_by_its_open_connection(folder: Path) -> None:
    async def looks(*_: Any) -> None:
        assert sessions.is_page("abc")

    assert not sessions.is_page("abc")
    through(looks, [], "/gradio_api/heartbeat/abc")
    assert sessions.is_page("abc")
    sessions._pages["abc"] -= sessions._REOPENED + 1
    assert not sessions.is_page("abc")


def test_a_cut_off_upload_leaves_nothing(weights_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "temp"))
    process, server = start(weights_folder, tmp_path / "output.txt")
    try:
        (uploads,) = (tmp_path / "temp").glob("skinmodels-*/uploads")
        before = storage.size(uploads)
        port = int(server.url.rpartition(":")[2])
        head = b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        head += b'Content-Length: 9000000\r\n\r\n--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(head + bytes(3_000_000))
            deadline = asyncio.run(_until(lambda: storage.size(uploads) > before))
            assert deadline
        assert asyncio.run(_until(lambda: storage.size(uploads) == before))
        assert "Traceback" not in server.output.read_text()
    finally:
        stop(process)


async def _until(holds: Any) -> bool:
    for _ in range(200):
        if holds():
            return True
        await asyncio.sleep(0.05)
    return False


def test_where_a_picture_was_taken_stays_out_of_what_is_sent_back(server, tmp_path: Path) -> None:
    from gradio_client import Client, handle_file

    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    for name in ("a.jpg", "b.tiff", "c.png"):
        path = tmp_path / name
        Image.new("RGB", (64, 48), (200, 150, 130)).save(path, exif=exif)
        with Image.open(path) as image:
            assert image.getexif()
        _, seen, *_ = Client(server.url, verbose=False).predict(handle_file(path), "ham_cnn28", api_name="/ham10000")
        assert b"SecretCamera" not in Path(seen).read_bytes()
        with Image.open(seen) as image:
            assert not image.getexif()


def test_a_decoded_preview_has_no_camera_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skinmodels import images
    from skinmodels.ui.components.picture import PictureInput, preview, sha256

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    Image.new("RGB", (64, 48)).save(tmp_path / "a.tiff", exif=exif, description="SecretPlace")
    picture = images.read(tmp_path / "a.tiff")
    picture.info["sha256"] = sha256(tmp_path / "a.tiff")
    sent = PictureInput(format="png").postprocess(preview(picture))
    data = Path(sent.path).read_bytes()
    assert b"Secret" not in data
    assert os.path.getsize(sent.path) > 0
