"""Who is trained on, who selects, who calibrates, who is kept for the test: seeded, by lesion, written down as CSV."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit

from skinmodels.errors import SkinModelError
from skinmodels.sources import ALL
from training.data.datasets import Sample

PARTS = ("train", "validation", "calibration", "test")
KINDS = ("lesion", "patient", "published", "random")


def default_kind(key: str, samples: Sequence[Sample]) -> str:
    """How the set of that key is split unless told otherwise: by patient where it comes without the part that was published."""
    kind = ALL[key].split
    return "patient" if kind == "published" and not any(s.published_part for s in samples) else kind


def split(samples: Sequence[Sample], kind: str, seed: int = 0) -> pd.DataFrame:
    """A table (id, group, label, part), a row a sample in their order; every kind is stratified by class.

    "lesion", "patient": 70 % train, 10 % validation, 20 % test, no group in two parts. "published": the set's own test part,
    15 % of its training part for validation. "random": 64 / 16 / 20 % by picture whatever the lesion, as paper 2 does. Half of
    the validation, by group, selects checkpoints ("validation"); the other half is never looked at in training ("calibration").
    """
    table = pd.DataFrame(
        {
            "id": [s.id for s in samples],
            "group": [s.group for s in samples],
            "label": [s.label for s in samples],
            "part": "train",
        }
    )
    if table["label"].value_counts().min() < 20:
        raise SkinModelError(
            f"Expected at least 20 pictures of every class to split. Received: {dict(table['label'].value_counts())}"
        )
    published = np.array([s.published_part for s in samples])
    rows = np.arange(len(table))
    if kind in ("lesion", "patient"):
        if (table["group"] == table["id"]).all():
            raise SkinModelError(f"Expected a data set with {kind} ids for --split {kind}. Received: one without")
        tenth = _folds(table, rows, 10, seed)
        table.loc[tenth < 2, "part"] = "test"
        table.loc[tenth == 2, "part"] = "validation"
    elif kind == "published":
        if not {"train", "test"} <= set(published):
            raise SkinModelError(
                "Expected a data set that comes with a test part of its own for --split published. Received: none"
            )
        table.loc[published == "test", "part"] = "test"
        table.loc[_shuffled(table, rows[published == "train"], 0.15, seed), "part"] = "validation"
    elif kind == "random":
        test = _shuffled(table, rows, 0.20, seed)
        table.loc[test, "part"] = "test"
        table.loc[_shuffled(table, np.setdiff1d(rows, test), 0.20, seed), "part"] = "validation"
    else:
        raise SkinModelError(f"Expected a kind of split, one of {', '.join(KINDS)}. Received: {kind!r}")
    _halve_validation(table, seed, by_group=kind != "random")
    return table


def _folds(table: pd.DataFrame, rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Fold number 0..count-1 of each of these rows, stratified, groups kept together."""
    part = table.iloc[rows]
    fold = np.zeros(len(rows), dtype=int)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for number, (_, held) in enumerate(splitter.split(rows, part["label"], part["group"])):
        fold[held] = number
    return fold


def _shuffled(table: pd.DataFrame, rows: np.ndarray, share: float, seed: int) -> np.ndarray:
    """A stratified share of the rows, by picture."""
    splitter = StratifiedShuffleSplit(1, test_size=share, random_state=seed)
    _, held = next(splitter.split(rows, table["label"].iloc[rows]))
    return rows[held]


def _halve_validation(table: pd.DataFrame, seed: int, by_group: bool) -> None:
    rows = np.flatnonzero(table["part"] == "validation")
    kept = rows[_folds(table, rows, 2, seed) == 0] if by_group else _shuffled(table, rows, 0.5, seed)
    table.loc[kept, "part"] = "calibration"


def check(table: pd.DataFrame, kind: str, labels: Sequence[str]) -> None:
    """Raises SkinModelError when a class is missing from a part, or (but for "random") a group stands in two parts."""
    for part in PARTS:
        if missing := set(labels) - set(table.loc[table["part"] == part, "label"]):
            raise SkinModelError(
                f"Expected pictures of every class in the {part} part. Received: none of {', '.join(sorted(missing))}"
            )
    shared = table.groupby("group")["part"].nunique() > 1
    if kind != "random" and shared.any():
        raise SkinModelError(f"Expected every lesion in one part of the split only. Received: {shared.sum()} in several")


def counts(table: pd.DataFrame) -> dict[str, int]:
    """Number of pictures in each part."""
    return {part: int((table["part"] == part).sum()) for part in PARTS}
