"""Which versions predictions were made with."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata

# Under their first name that is installed: builds of one library go by several.
_LIBRARIES = {
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "keras": ("keras",),
    "numpy": ("numpy",),
    "pillow": ("pillow",),
    "pillow-heif": ("pillow-heif",),
}


@cache
def versions() -> dict[str, str]:
    """Of Python and the libraries that reading and predicting rest on, by name."""
    found = {"python": platform.python_version()}
    for library, distributions in _LIBRARIES.items():
        for distribution in distributions:
            try:
                found[library] = metadata.version(distribution)
                break
            except metadata.PackageNotFoundError:
                continue
    return found
