"""How much may lie in the folder of what people send, and that nothing half sent stays there."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gradio import route_utils, utils

from skinmodels.errors import SkinModelError
from skinmodels.ui import uploads

VARIABLE = "SKINMODELS_UPLOADS_MB"
_DEFAULT_MB = 2048

REFUSED = (
    "Expected a file that this server has room for. Received: one too many; files are deleted after a while, try again then."
)

# Seconds that a count of the folder is good for; what arrives meanwhile is added.
_FRESH = 2.0
# Seconds in which a picture that was uploaded is asked about; from then on it is in use, or its calls have ended.
_ASKED_WITHIN = 120.0


def most_bytes() -> int:
    """How many bytes may lie in the folder. Raises SkinModelError where the environment says something else than a number."""
    text = os.environ.get(VARIABLE, str(_DEFAULT_MB))
    if not text.isdecimal() or not int(text):
        raise SkinModelError(f"Expected a number of megabytes in {VARIABLE}. Received: {text!r}")
    return int(text) * 1024**2


def size(folder: Path) -> int:
    """Bytes of all files under the folder; those deleted meanwhile count nothing."""
    total = 0
    for around, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(around, name)).st_size
            except OSError:
                continue
    return total


class Room:
    """What is left of the folder's total. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted = -_FRESH
        self._used = 0

    def take(self, count: int, needed: int = 0) -> None:
        """Notes that ``count`` bytes are being stored, where ``needed`` more would fit as well.

        Raises SkinModelError, and notes nothing, where they do not.
        """
        with self._lock:
            if time.monotonic() - self._counted >= _FRESH:
                self._used, self._counted = size(Path(utils.get_upload_folder())), time.monotonic()
            if self._used + count + needed > most_bytes():
                raise SkinModelError(REFUSED)
            self._used += count


ROOM = Room()


class _Parser(route_utils.GradioMultiPartParser):
    """Gradio's own leaves its files behind where the sender hangs up, stalls or the disk is full."""

    async def parse(self) -> Any:
        try:
            return await super().parse()
        except BaseException:
            for file in self._files_to_close_on_error:
                file.close()
                Path(file.name).unlink(missing_ok=True)
            raise


def install() -> None:
    """From now on uploads that fail leave nothing."""
    route_utils.GradioMultiPartParser = _Parser  # type: ignore[misc]


def delete_old_in_background(folder: Path, every: float, age: float, in_use: Callable[[], set[str]]) -> threading.Thread:
    """Starts a thread that calls ``sweep`` every so many seconds. What is there by now is kept: the page's own files."""
    keep = frozenset(folder.rglob("*"))

    def work() -> None:
        while True:
            time.sleep(every)
            sweep(folder, age, keep | frozenset(map(Path, in_use())))

    thread = threading.Thread(target=work, name="delete old files", daemon=True)
    thread.start()
    return thread


def sweep(folder: Path, age: float, keep: frozenset[Path]) -> None:
    """Deletes files over ``age`` seconds old, but for those to keep; where the folder is half full, also of ended calls."""
    uploads.delete_old(folder, age, keep)
    if size(folder) > most_bytes() / 2:
        uploads.delete_old(folder, min(age, _ASKED_WITHIN), keep)
    for around in folder.glob("*/"):
        with suppress(OSError):
            if time.time() - around.stat().st_ctime > age:
                around.rmdir()
