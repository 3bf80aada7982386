"""Addresses that callers name are fetched within limits, and from public servers alone."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import httpx
import pytest

from skinmodels import images
from skinmodels.errors import SkinModelError
from skinmodels.ui import fetch


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "no address",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not fetch.public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_that_are_public(address: str) -> None:
    assert fetch.public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x.jpg",
        "http://localhost/x",
        "http://[::1]/x",
        "http://2130706433/x",
        "http://0/",
        "https://",
        "http://[",
        "http://a b/",
        "ftp://example.org/x",
        "file:///etc/passwd",
        "data:",
        "data:image/png,abc",
        "data:image/png;base64,%%%",
    ],
)
def test_refused(url: str, folder: Path) -> None:
    with pytest.raises(SkinModelError, match=r"^Expected"):
        asyncio.run(fetch.fetched(url))
    assert not list(folder.iterdir())


def served(monkeypatch: pytest.MonkeyPatch, answer) -> list[str]:
    """Puts a function in place of the network; the list fills with the addresses asked."""
    asked: list[str] = []

    class Transport(httpx.AsyncBaseTransport):
        def __init__(self, _ip: str) -> None: ...

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            return answer(request)

    async def resolved(host: str) -> str:
        if host.startswith("inside"):
            raise SkinModelError(fetch._NOT_PUBLIC)
        return "8.8.8.8"

    monkeypatch.setattr(fetch, "AsyncSecureTransport", Transport)
    monkeypatch.setattr(fetch, "_public_address", resolved)
    return asked


def test_a_file_is_stored_under_a_harmless_name(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    served(monkeypatch, lambda _: httpx.Response(200, stream=httpx.ByteStream(b"abc")))
    file = asyncio.run(fetch.fetched("https://example.org/a/..%2F..%2F.le%20sion.png?x=1"))
    assert file.read_bytes() == b"abc"
    assert file.name == "lesion.png"
    assert file.parent.parent == folder


def test_a_redirect_to_an_address_inside_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = served(monkeypatch, lambda _: httpx.Response(302, headers={"Location": "http://inside/x"}))
    with pytest.raises(SkinModelError, match="public server"):
        asyncio.run(fetch.fetched("https://example.org/x"))
    assert asked == ["https://example.org/x"]


def test_redirects_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = served(monkeypatch, lambda _: httpx.Response(302, headers={"Location": "/x"}))
    with pytest.raises(SkinModelError, match="could not fetch"):
        asyncio.run(fetch.fetched("https://example.org/x"))
    assert len(asked) < 10


def test_no_more_is_read_than_a_file_may_have(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    read = 0

    async def endless():
        nonlocal read
        while True:
            read += 1
            yield bytes(2**20)

    served(monkeypatch, lambda _: httpx.Response(200, content=endless()))
    with pytest.raises(SkinModelError, match="at most 20 MB"):
        asyncio.run(fetch.fetched("https://example.org/x"))
    assert read <= 22
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "answer", [httpx.Response(404), httpx.Response(200, stream=httpx.ByteStream(b"x"), headers={"content-encoding": "gzip"})]
)
def test_what_cannot_be_had_is_one_sentence(answer: httpx.Response, monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, lambda _: answer)
    with pytest.raises(SkinModelError, match="could not fetch"):
        asyncio.run(fetch.fetched("https://example.org/x"))


def test_too_slow_a_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow():
        while True:
            await asyncio.sleep(0.01)
            yield b"x"

    monkeypatch.setattr(fetch, "_PATIENCE", 0.1)
    served(monkeypatch, lambda _: httpx.Response(200, content=slow()))
    with pytest.raises(SkinModelError, match="could not fetch"):
        asyncio.run(fetch.fetched("https://example.org/x"))


def test_data_is_decoded_and_limited(folder: Path) -> None:
    url = f"data:image/jpeg;base64,{base64.b64encode(b'abc').decode()}"
    file = asyncio.run(fetch.fetched(url))
    assert file.read_bytes() == b"abc"
    assert file.suffix == ".jpg"
    with pytest.raises(SkinModelError, match="at most 20 MB"):
        asyncio.run(fetch.fetched("data:image/png;base64," + "A" * (images.MAX_BYTES * 4 // 3 + 2000)))
