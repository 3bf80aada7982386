"""Where Gradio puts what people send: a folder of this process alone, of which nothing stays.

Gradio's own ``delete_cache`` does not note every file, deletes some that a call is still reading, and nothing where a page is
open as the process ends; so it is left off.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from skinmodels.ui import ending

try:
    import fcntl
except ImportError:  # Windows, where what a killed process left stays
    fcntl = None  # type: ignore[assignment]

# Where Gradio reads the folder's name, once, as it is imported.
_VARIABLE = "GRADIO_TEMP_DIR"


# In the folder of a process, and locked for as long as it runs, however it ends.
_LOCK = ".lock"
_PREFIX = "skinmodels-"
# Seconds before a folder whose lock is free is taken for a leftover: its process may be about to lock it.
_STARTING = 60.0

_locks: list[BinaryIO] = []


def own_folder() -> Path:
    """Makes the folder, in the one Gradio was told of where there is one, and deletes it as the process ends.

    It lies in another that holds all temporary files of the process. What processes left that were killed is deleted.
    To be called before Gradio is imported.
    """
    around = os.environ.get(_VARIABLE)
    if around:
        Path(around).mkdir(parents=True, exist_ok=True)
    process = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=around)).resolve()
    _lock(process)
    atexit.register(shutil.rmtree, process, ignore_errors=True)
    ending.removes(process)
    sweep(process.parent, _STARTING)
    folder = process / "uploads"
    folder.mkdir(mode=0o700)
    (process / "tmp").mkdir(mode=0o700)
    os.environ[_VARIABLE] = str(folder)
    return folder


def _lock(process: Path) -> None:
    if fcntl is not None:
        file = (process / _LOCK).open("wb")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _locks.append(file)


def sweep(around: Path, age: float) -> None:
    """Deletes the folders there that processes of ours left which no longer run and began over ``age`` seconds ago."""
    for folder in around.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if _is_left(folder, age):
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path, age: float) -> bool:
    about, lock = folder.lstat(), folder / _LOCK
    # In a folder for everybody's temporary files: nobody else's, and no link to anywhere.
    if fcntl is None or not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or not lock.is_file():
        return False
    if time.time() - lock.lstat().st_mtime < age:
        return False
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return True


def delete_old(folder: Path, age: float, keep: Collection[Path] = ()) -> None:
    """Deletes the files in the folder that are more than ``age`` seconds old, but for those to keep."""
    now = time.time()
    for path in folder.rglob("*"):
        try:
            # As Gradio does it: a copy that is used again is touched.
            if path.is_file() and path not in keep and now - path.lstat().st_ctime > age:
                path.unlink()
        except FileNotFoundError:
            continue
