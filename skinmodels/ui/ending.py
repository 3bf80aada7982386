"""The page ends within seconds of the first signal, at any moment, and its folder goes with it.

An interpreter that ends by itself waits for every thread that is in a network or loading one. Nothing of them is to be kept.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

# Seconds for what was asked to be answered, for connections and tunnels to close, and after which all ends in any case.
_ANSWERED = 1.0
_LATEST = 3.5

_folders: list[Path] = []
_servers: list[Any] = []
_ending = threading.Event()


def removes(folder: Path) -> None:
    """Notes a folder that goes with the process."""
    _folders.append(folder)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for as long as the context, or the process if that ends first."""
    with tempfile.TemporaryDirectory(prefix="skinmodels-") as name:
        folder = Path(name)
        _folders.append(folder)
        try:
            yield folder
        finally:
            _folders.remove(folder)


def closes(server: Any) -> None:
    """Notes a running server of Gradio's."""
    _servers.append(server)


def at_signals() -> None:
    """From now on Ctrl-C ends the process with 130 and SIGTERM with 0. To be called early, from the main thread."""
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    status = 130 if number == signal.SIGINT else 0
    if _ending.is_set():
        _gone(status)
    _ending.set()
    latest = threading.Timer(_LATEST, _gone, [status])
    latest.daemon = True
    latest.start()
    print("Ended.", file=sys.stderr, flush=True)
    for server in _servers:
        server.should_exit = True
    for server in _servers:
        server.thread.join(_ANSWERED)
    for tunnel in getattr(sys.modules.get("gradio.tunneling"), "CURRENT_TUNNELS", []):
        tunnel.kill()
    _gone(status)


def _gone(status: int) -> None:
    """Ends the process here and now.

    Exit functions of libraries are not run: they take Keras's state from threads that are still loading a network or in one,
    which then fail, with a traceback, at what is no fault of theirs.
    """
    for folder in list(_folders):
        # Threads may still be writing.
        for _ in range(3):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
