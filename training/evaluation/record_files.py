"""A record and the predictions its figures come from, as files in weights/."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from skinmodels import lfs, record_text, weights
from skinmodels.errors import SkinModelError
from skinmodels.records import Record
from training.evaluation.predictions import DIGITS, Tables

_SUFFIXES = {"test": "test", "calibration": "calibration", "external": "external", "random_split": "test_random_split"}


def read_tables(name: str) -> Tables:
    """The answers beside a record. Raises SkinModelError where one of them is missing or is no such table."""
    needed = [f"{name}.{key}.csv" for key in ("test", "calibration", "external")]
    if missing := [file for file in needed if not (weights.folder() / file).exists()]:
        raise SkinModelError(f"Expected {', '.join(missing)} in {weights.folder()}. Received: none")
    record = weights.read_record(name)
    found = {key: _read(name, suffix, record.labels) for key, suffix in _SUFFIXES.items()}
    left_out = {key: its.left_out for key, its in record.external.items() if its.left_out is not None}
    return Tables(**found, left_out=left_out)  # type: ignore[arg-type]


def read_random_split(name: str, labels: Sequence[str]) -> pd.DataFrame | None:
    """The predictions of the same network trained on pictures split at random, or None."""
    return _read(name, _SUFFIXES["random_split"], labels)


def _read(name: str, suffix: str, labels: Sequence[str]) -> pd.DataFrame | None:
    file = weights.folder() / f"{name}.{suffix}.csv"
    if not file.exists():
        return None
    try:
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
        numbers = {label: float for label in labels} | ({"clean": int} if "clean" in rows else {})
        return rows.astype(numbers)
    except (OSError, ValueError, KeyError) as error:
        raise SkinModelError(f"Expected the model's answers in {file}. Received: {lfs.why(file, error)}") from error


def save(name: str, record: Record, tables: Tables, beside: Path) -> None:
    """Write the record and the answers into the folder ``beside``, to be renamed from there."""
    for key, suffix in _SUFFIXES.items():
        rows = getattr(tables, key)
        if rows is not None:
            rows.to_csv(beside / f"{name}.{suffix}.csv", index=False, float_format=f"%.{DIGITS}f")
    record_text.write(beside / f"{name}.json", record)


def put_in_place(name: str, beside: Path) -> None:
    """Move what stands complete in ``beside`` to the weights, the record last; drop tables it no longer has."""
    folder, written = weights.folder(), sorted(beside.iterdir(), key=lambda path: path.suffix == ".json")
    kept = {path.name for path in written}
    for path in written:
        path.replace(folder / path.name)
    for file in folder.glob(f"{name}.*.csv"):
        if file.name not in kept:
            file.unlink()
