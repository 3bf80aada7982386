"""Where Gradio puts what people send: a folder of this process alone, of which nothing stays.

Gradio deletes what it has noted, see ``delete_cache`` of ``gr.Blocks``. It does not note the first copy of a picture that came
as a ``data:`` URL through MCP, and it deletes nothing where a page is still open somewhere as the process ends.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Collection
from pathlib import Path

# Where Gradio reads the folder's name, once, as it is imported.
_VARIABLE = "GRADIO_TEMP_DIR"


def own_folder() -> Path:
    """Makes the folder, in the one Gradio was told of where there is one, and deletes it as the process ends.

    To be called before Gradio is imported.
    """
    around = os.environ.get(_VARIABLE)
    if around:
        Path(around).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="skinmodels-", dir=around)).resolve()
    os.environ[_VARIABLE] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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


def delete_old_in_background(folder: Path, every: float, age: float) -> threading.Thread:
    """Starts a thread that calls ``delete_old`` every so many seconds. What is there by now is kept: the page's own files."""
    keep = frozenset(folder.rglob("*"))

    def work() -> None:
        while True:
            time.sleep(every)
            delete_old(folder, age, keep)

    thread = threading.Thread(target=work, name="delete old files", daemon=True)
    thread.start()
    return thread
