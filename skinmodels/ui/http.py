"""What stands between the network and Gradio: headers, limits on what is sent, and no traceback for any request."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from skinmodels.errors import FULL, SkinModelError, disk_is_full
from skinmodels.ui import sessions
from skinmodels.ui.errors import UNEXPECTED, log_once
from skinmodels.ui.storage import ROOM

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PROXY_VARIABLE = "SKINMODELS_PROXY"

# Seconds without a byte of a body that was announced, and bytes a second it has to reach on average after twice as long.
STALLED = 30.0
_SLOWEST = 1024
# Of a body that is no upload: pictures in it are data: URLs, a third larger than files of 20 MB.
_MOST_JSON = 64 * 1024**2
# Of an upload: its files are counted while they arrive.
_UPLOAD = "/gradio_api/upload"
_HEARTBEAT = "/gradio_api/heartbeat/"

# Gradio needs inline and evaluated scripts, and inline styles.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; object-src 'none'; frame-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self' https://huggingface.co https://*.hf.space"
)
# Of what people sent: nothing in it may run or load anything.
_FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox allow-downloads"
_HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}

# Of Gradio's routes those that this page has no use for: each would be one more way in.
_CLOSED = (
    *("process_recording", "vibe-", "undo-vibe-", "deep_link", "run-history", "runs", "profiling", "dev/", "proxy=", "stream/"),
    *("custom_component", "component_server", "token", "reset", "login_check"),
)
_CLOSED_AT_ROOT = ("/login", "/logout", "/monitoring", "/custom_component", "/proxy=")


class RefusedRequestError(Exception):
    """A request that is ended with this status and sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Front:
    """The ASGI middleware. ``proxies``: whose forwarded headers are believed."""

    def __init__(self, app: Any, proxies: Sequence[Network] = ()) -> None:
        self.app = app
        self.proxies = proxies

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send, scope["path"])
        if _closed(scope["path"]):
            await answer.refuse(404, "Not Found")
            return
        try:
            with _noted(scope["path"]):
                await self.app(self._believed(scope), _Body(scope, receive).receive, answer.send)
        except RefusedRequestError as error:
            await answer.refuse(error.status, str(error))
        except ClientDisconnect:
            pass  # whoever asked is gone, which is no error of ours
        except Exception as error:
            if disk_is_full(error):
                await answer.refuse(507, FULL)
                return
            log_once(error, "a request")
            await answer.refuse(500, UNEXPECTED)

    def _believed(self, scope: Any) -> Any:
        """The request as it is to be read: without forwarded headers where whoever sent it is no proxy of ours."""
        sender = (scope.get("client") or ("",))[0]
        if any(_within(sender, its) for its in self.proxies):
            return scope
        kept = [(name, value) for name, value in scope["headers"] if not name.startswith((b"x-forwarded-", b"forwarded"))]
        return {**scope, "headers": kept}


@contextmanager
def _noted(path: str) -> Iterator[None]:
    """Notes a page while it holds open the connection that says it is there."""
    if not path.startswith(_HEARTBEAT):
        yield
        return
    session = path.removeprefix(_HEARTBEAT).strip("/")
    sessions.opened(session)
    try:
        yield
    finally:
        sessions.closed(session)


def _closed(path: str) -> bool:
    inner = path.removeprefix("/gradio_api/")
    return path.startswith(_CLOSED_AT_ROOT) or (inner != path and inner.startswith(_CLOSED))


def _within(sender: str, network: Network) -> bool:
    try:
        return ipaddress.ip_address(sender) in network
    except ValueError:
        return False


def proxies(share: bool) -> list[Network]:
    """Whose forwarded headers are believed: on a Space everybody's, since all come through its proxy; with ``--share`` the
    tunnel's, which runs here; and of whom ``SKINMODELS_PROXY`` names, addresses or networks with commas between.

    Raises SkinModelError where it names something else.
    """
    named = [its.strip() for its in os.environ.get(PROXY_VARIABLE, "").split(",") if its.strip()]
    named += ["0.0.0.0/0", "::/0"] if os.environ.get("SPACE_ID") else []
    named += ["127.0.0.1", "::1"] if share else []
    try:
        return [ipaddress.ip_network(its) for its in named]
    except ValueError:
        raise SkinModelError(
            f"Expected addresses or networks in {PROXY_VARIABLE}, such as 10.0.0.1. Received: {os.environ[PROXY_VARIABLE]!r}"
        ) from None


class _Answer:
    """The way back, with the headers that every answer has."""

    def __init__(self, send: Send, path: str) -> None:
        self._send = send
        self._started = False
        policy = _FILE_POLICY if "/file=" in path else _POLICY
        self._headers = {**_HEADERS, "content-security-policy": policy}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            own = [(name.encode(), value.encode()) for name, value in self._headers.items()]
            message = {
                **message,
                "headers": [*(its for its in message["headers"] if its[0].decode() not in self._headers), *own],
            }
        await self._send(message)

    async def refuse(self, status: int, sentence: str) -> None:
        """Answers in one sentence, as Gradio words its own refusals, unless an answer has begun."""
        if not self._started:
            response = JSONResponse({"detail": sentence, "error": sentence}, status, {"connection": "close"})
            await response({"type": "http", "method": "GET", "headers": []}, _nothing, self.send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


class _Body:
    """The way in: ended where it stalls or grows too large."""

    def __init__(self, scope: Any, receive: Receive) -> None:
        self._receive = receive
        self._upload = scope["path"].rstrip("/") == _UPLOAD
        self._whole = False
        self._count = 0
        self._began = time.monotonic()
        self._announced = _length(scope["headers"])

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        if not self._count:
            await self._check_announced()
        try:
            message = await asyncio.wait_for(self._receive(), STALLED)
        except TimeoutError:
            raise RefusedRequestError(408, "Expected the rest of the request. Received: nothing for 30 s.") from None
        await self._look_at(message)
        return message

    async def _check_announced(self) -> None:
        if self._upload:
            await self._take(0, self._announced)
        elif self._announced > _MOST_JSON:
            raise _too_large()

    async def _look_at(self, message: Message) -> None:
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        more = len(message.get("body", b""))
        self._count += more
        if self._upload:
            await self._take(more, 0)
        elif self._count > _MOST_JSON:
            raise _too_large()
        passed = time.monotonic() - self._began
        if not self._whole and passed > 2 * STALLED and self._count < passed * _SLOWEST:
            raise RefusedRequestError(408, "Expected the rest of the request. Received: less than 1 KB a second.")

    async def _take(self, count: int, needed: int) -> None:
        try:
            await anyio.to_thread.run_sync(ROOM.take, count, needed)
        except SkinModelError as error:
            raise RefusedRequestError(507, str(error)) from None


def _too_large() -> RefusedRequestError:
    return RefusedRequestError(413, f"Expected a request of at most {_MOST_JSON // 1024**2} MB. Received: a larger one.")


def _length(headers: Sequence[tuple[bytes, bytes]]) -> int:
    text = dict(headers).get(b"content-length", b"0")
    return int(text) if text.isdigit() else 0
