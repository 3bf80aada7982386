"""Anyone's own labelled pictures: a folder or .zip with one sub-folder a class, or a CSV that names file and label."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from skinmodels import lfs
from skinmodels.errors import SkinModelError
from training.data.datasets import Sample
from training.data.files import PICTURE_SUFFIXES, PictureFile, Root

COLUMNS = {"file", "label"}


def load(path: str | Path, labels: Sequence[str]) -> list[Sample]:
    """Pictures with one of these class codes as label.

    A .csv has columns ``file`` (relative to it) and ``label``, and may have ``group`` for pictures of one lesion. A folder
    or .zip holds such a .csv, or one sub-folder a class, named by its code, with picture files; a .csv may name pictures of any
    ending.

    Raises SkinModelError for a wrong path, a label the model does not know, or a file that is missing.
    """
    if Path(path).suffix.lower() == ".csv":
        if not Path(path).is_file():
            raise SkinModelError(f"Expected an existing .csv, folder or .zip file. Received: {path}")
        return _from_csv(Root(Path(path).parent), Path(path).name, labels)
    root = Root(path)
    tables = [name for name in root.names if name.lower().endswith(".csv") and set(_read(root, name, rows=0)) >= COLUMNS]
    if len(tables) > 1:
        raise SkinModelError(f"Expected one .csv with columns file and label in {path}. Received: {', '.join(tables)}")
    return _from_csv(root, tables[0], labels) if tables else _from_folders(root, labels)


def _from_csv(root: Root, name: str, labels: Sequence[str]) -> list[Sample]:
    table = _read(root, name)
    if missing := COLUMNS - set(table):
        raise SkinModelError(f"Expected columns file and label in {name}. Received: no {', '.join(sorted(missing))}")
    if not len(table):
        raise SkinModelError(f"Expected a row for each picture in {name}. Received: none")
    _check_labels(list(table["label"]), labels, name)
    if not all(table["file"]):
        raise SkinModelError(
            f"Expected a file name in every row of {name}. Received: {(table['file'] == '').sum()} without one"
        )
    at_hand, folder = set(root.names), posixpath.dirname(name)
    paths = [posixpath.normpath(posixpath.join(folder, file)) for file in table["file"]]
    if (twice := pd.Series(paths).duplicated()).any():
        raise SkinModelError(
            f"Expected each file once in {name}. Received: {table['file'][twice.to_numpy()].iloc[0]} more than once"
        )
    if absent := [path for path in paths if path not in at_hand]:
        raise SkinModelError(
            f"Expected a picture for each of the {len(table)} rows of {name}. "
            f"Received: none for {len(absent)}, first {absent[0]}"
        )
    groups = table["group"].where(table["group"] != "", table["file"]) if "group" in table else table["file"]
    rows = zip(table["file"], table["label"], groups, paths, strict=True)
    return [Sample(file, label, group, PictureFile(root, path)) for file, label, group, path in rows]


def _from_folders(root: Root, labels: Sequence[str]) -> list[Sample]:
    names = list(root.pictures())
    if not names:
        kinds = ", ".join(sorted(PICTURE_SUFFIXES))
        raise SkinModelError(f"Expected pictures ({kinds}) in sub-folders {', '.join(labels)}. Received: none in {root.path}")
    codes = [PurePosixPath(name).parent.name for name in names]
    _check_labels(codes, labels, str(root.path))
    return [Sample(name, code, name, PictureFile(root, name)) for name, code in zip(names, codes, strict=True)]


def _check_labels(found: Sequence[str], labels: Sequence[str], where: str) -> None:
    if wrong := sorted(set(found) - set(labels)):
        shown = ", ".join(code or "no label" for code in wrong[:5])
        raise SkinModelError(f"Expected labels {', '.join(labels)} in {where}. Received: {shown}")


def _read(root: Root, name: str, rows: int | None = None) -> pd.DataFrame:
    data = root.read(name)
    if lfs.is_pointer(data):
        raise SkinModelError(f"Expected a CSV at {name} in {root.path}. Received: {lfs.INSTEAD}")
    try:
        return pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False, nrows=rows)
    except (ValueError, UnicodeDecodeError) as error:
        raise SkinModelError(f"Expected a CSV at {name} in {root.path}. Received: {error}") from error
