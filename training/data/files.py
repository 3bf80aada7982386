"""Reading a data set where it lies: in a folder or in a .zip, one after another."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pandas as pd
from PIL import Image

from skinmodels import images, lfs
from skinmodels.batch import picture_files
from skinmodels.errors import SkinModelError

# The same as a batch takes for pictures.
PICTURE_SUFFIXES = picture_files.SUFFIXES


class Root:
    """A folder or a .zip: its files by relative name, and their bytes.

    Raises SkinModelError where the path is neither.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._zip: zipfile.ZipFile | None = None
        if self.path.is_dir():
            files = (file for file in self.path.rglob("*") if file.is_file())
            self.names = sorted(file.relative_to(self.path).as_posix() for file in files)
        elif zipfile.is_zipfile(self.path):
            self._zip = zipfile.ZipFile(self.path)
            self.names = sorted(info.filename for info in self._zip.infolist() if not info.is_dir())
        else:
            instead = f", {lfs.INSTEAD}" if lfs.is_pointer_file(self.path) else ""
            raise SkinModelError(f"Expected a data set as an existing folder or a .zip file. Received: {path}{instead}")

    def read(self, name: str) -> bytes:
        """The bytes of one file of ``names``."""
        if self._zip is None:
            return (self.path / name).read_bytes()
        with self._lock:  # one ZipFile is not made for two readers at once
            return self._zip.read(name)

    def pictures(self) -> Iterable[str]:
        """Names of the picture files, without the copies that macOS leaves in archives."""
        for name in self.names:
            path = PurePosixPath(name)
            if path.suffix.lower() in PICTURE_SUFFIXES and "__MACOSX" not in path.parts:
                yield name


class PictureFile:
    """One picture in a root, opened when asked for."""

    def __init__(self, root: Root, name: str) -> None:
        self.root, self.name = root, name

    def open(self) -> Image.Image:
        """The picture as RGB, read as uploads are. Raises SkinModelError naming the file when it cannot be."""
        try:
            return images.read(io.BytesIO(self.root.read(self.name)))
        except (SkinModelError, OSError, zipfile.BadZipFile) as error:
            raise SkinModelError(
                f"Expected a readable picture at {self.name} in {self.root.path}. Received: {error}"
            ) from error


def find_csv(roots: Iterable[Root], name: str, columns: set[str]) -> pd.DataFrame | None:
    """The CSV of that file name in the first root that has it, or None. Raises SkinModelError when columns are missing."""
    for root in roots:
        for file in root.names:
            if PurePosixPath(file).name.lower() == name.lower():
                return _read_csv(root, file, columns)
    return None


def require_csv(roots: list[Root], name: str, columns: set[str]) -> pd.DataFrame:
    """As ``find_csv``, and a missing file is a SkinModelError too."""
    table = find_csv(roots, name, columns)
    if table is None:
        raise SkinModelError(
            f"Expected {name} in the data. Received: {', '.join(str(root.path) for root in roots)}, without it"
        )
    return table


def _read_csv(root: Root, file: str, columns: set[str]) -> pd.DataFrame:
    data = root.read(file)
    if lfs.is_pointer(data):
        raise SkinModelError(f"Expected a CSV at {file} in {root.path}. Received: {lfs.INSTEAD}")
    try:
        table = pd.read_csv(io.BytesIO(data))
    except (ValueError, UnicodeDecodeError) as error:
        raise SkinModelError(f"Expected a CSV at {file} in {root.path}. Received: {error}") from error
    if missing := columns - set(table.columns):
        raise SkinModelError(
            f"Expected the columns {', '.join(sorted(missing))} in {file}. Received: {', '.join(table.columns)}"
        )
    return table
