"""Files that callers name by an address: fetched here, since what fetches for strangers must know its limits.

Gradio would fetch whatever is there, of any length, keep it in memory, and ask a public name server about private names.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import mimetypes
import re
import secrets
import socket
import urllib.parse
from pathlib import Path

import httpx
from gradio import utils
from safehttpx import AsyncSecureTransport  # type: ignore[import-untyped]

from skinmodels import images
from skinmodels.errors import SkinModelError
from skinmodels.ui.storage import ROOM

SCHEMES = ("http://", "https://", "data:")

# Seconds for the whole of a file, redirects included.
_PATIENCE = 30.0
_MOST_REDIRECTS = 5
# Addresses that stand for one of IPv4, which may be private: NAT64 and 6to4.
_EMBEDDING = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))

_TOO_LARGE = f"Expected a file of at most {images.MAX_BYTES // 1024**2} MB at that address. Received: a larger one."
_NOT_PUBLIC = "Expected an http: or https: address of a public server. Received: another one."
_NOT_THERE = "Expected a file at that address. Received: none, the server could not fetch it."
_NO_DATA = "Expected a data: URL with a file in base64. Received: one that cannot be read."


async def fetched(url: str) -> Path:
    """The file of that ``http:``, ``https:`` or ``data:`` URL, as a new file in Gradio's upload folder.

    Raises SkinModelError: not one of these, not a public server's, not there in 30 s, or over 20 MB.
    """
    if url.startswith("data:"):
        return _stored(_decoded(url), f"picture{mimetypes.guess_extension(url[5:].partition(';')[0]) or ''}")
    try:
        async with asyncio.timeout(_PATIENCE):
            return _stored(await _download(url), urllib.parse.urlsplit(url).path)
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, ValueError):
        raise SkinModelError(_NOT_THERE) from None


def _decoded(url: str) -> bytes:
    head, _, text = url.partition(",")
    if len(text) > images.MAX_BYTES * 4 // 3 + 1000:
        raise SkinModelError(_TOO_LARGE)
    if not head.endswith(";base64"):
        raise SkinModelError(_NO_DATA)
    try:
        data = base64.b64decode(urllib.parse.unquote(text), validate=True)
    except (binascii.Error, ValueError):
        raise SkinModelError(_NO_DATA) from None
    if len(data) > images.MAX_BYTES:
        raise SkinModelError(_TOO_LARGE)
    return data


def _stored(data: bytes, name: str) -> Path:
    """A new file with the data, written beside and renamed. ``name``: by what people know it, may hold anything."""
    ROOM.take(len(data))
    folder = Path(utils.get_upload_folder()) / f"fetched-{secrets.token_hex(16)}"
    folder.mkdir(parents=True)
    kept = re.sub(r"[^A-Za-z0-9._-]", "", urllib.parse.unquote(name).rpartition("/")[2])
    beside = folder / ".part"
    try:
        beside.write_bytes(data)
        return beside.rename(folder / (kept.lstrip(".")[-80:] or "picture"))
    except OSError:
        beside.unlink(missing_ok=True)
        folder.rmdir()
        raise


async def _download(url: str) -> bytes:
    for _ in range(_MOST_REDIRECTS + 1):
        address = httpx.URL(url)
        if address.scheme not in ("http", "https") or not address.host:
            raise SkinModelError(_NOT_PUBLIC)
        transport = AsyncSecureTransport(await _public_address(address.host))
        # Nothing of the environment's proxies: they would look up the name again.
        async with (
            httpx.AsyncClient(transport=transport, trust_env=False) as client,
            client.stream("GET", address, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.has_redirect_location:
                url = str(address.join(answer.headers["Location"]))
                continue
            # What is packed may be a thousand times as large unpacked.
            if answer.status_code != httpx.codes.OK or answer.headers.get("content-encoding", "identity") != "identity":
                raise SkinModelError(_NOT_THERE)
            return await _body(answer)
    raise SkinModelError(_NOT_THERE)


async def _body(answer: httpx.Response) -> bytes:
    data = bytearray()
    async for part in answer.aiter_raw(65536):
        data += part
        if len(data) > images.MAX_BYTES:
            raise SkinModelError(_TOO_LARGE)
    return bytes(data)


async def _public_address(host: str) -> str:
    """The address to connect to, looked up once. Raises SkinModelError where the name has none, or any that is not public."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SkinModelError(_NOT_THERE) from None
    addresses = [str(its[4][0]) for its in found]
    if not addresses or not all(map(public, addresses)):
        raise SkinModelError(_NOT_PUBLIC)
    return addresses[0]


def public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, and stands for no other that does not."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return public(str(ip.ipv4_mapped))
        if any(ip in its for its in _EMBEDDING):
            return False
    return ip.is_global and not ip.is_multicast
