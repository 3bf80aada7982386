"""Git LFS pointers: the small text files that a clone without Git LFS has in place of large ones."""

from __future__ import annotations

import os
from pathlib import Path

# The first line of a pointer, up to its version.
_START = b"version https://git-lfs.github.com/spec/"

# Ends a sentence that names the file.
INSTEAD = "a Git LFS pointer in place of the file; run `git lfs pull` where it came from"


def is_pointer(start: bytes) -> bool:
    """Whether a file that begins with these bytes, at least 40, is a pointer."""
    return start.startswith(_START)


def is_pointer_file(path: str | os.PathLike[str]) -> bool:
    """Whether a pointer lies there; False where nothing can be read, or what lies there is no regular file."""
    path = Path(path)
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return is_pointer(file.read(len(_START)))
    except OSError:
        return False


def why(path: str | os.PathLike[str], error: Exception) -> str:
    """Why the file there could not be read, in one line: a pointer, else the first line of what was raised."""
    return INSTEAD if is_pointer_file(path) else str(error).partition("\n")[0]
