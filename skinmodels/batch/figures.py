"""Rows against known labels: accuracy, balanced accuracy, AUC and confusion matrix of each model."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from skinmodels import lfs
from skinmodels.batch.picture_files import shown
from skinmodels.batch.rows import Row
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS


@dataclass(frozen=True)
class Figures:
    """One model's figures on the pictures whose label it knows.

    Attributes:
        model, labels: its name and its labels, in their order.
        n: how many pictures the figures come from.
        accuracy: share 0..1; None where n is 0, as with the next two.
        balanced_accuracy: mean recall 0..1 over the labels that occur.
        auc: area under the ROC curve 0..1, of the second label of two, else the mean over the labels that occur, each against
            the rest; None too where only one label occurs.
        confusion_matrix: counts, true labels as rows, predicted ones as columns.
        unknown: how many pictures have a label this model does not know, by label.
        unlabelled: how many pictures were answered and have no label.
        unread: how many pictures with a label could not be read.
    """

    model: str
    labels: tuple[str, ...]
    n: int
    accuracy: float | None
    balanced_accuracy: float | None
    auc: float | None
    confusion_matrix: list[list[int]]
    unknown: dict[str, int]
    unlabelled: int
    unread: int


@dataclass
class _Seen:
    truth: list[int] = field(default_factory=list)
    probabilities: list[list[float]] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    unlabelled: int = 0


class Labels:
    """The true label of each picture, from a CSV with the columns ``file`` and ``label``; others in it are left aside.

    A picture is found under its name, else under its name without folders, else without its ending too, as data sets name them.
    """

    def __init__(self, path: Path) -> None:
        """Reads the file. Raises SkinModelError where it is no such CSV or gives one file two labels."""
        self._labels: dict[str, str] = {}
        for file, label in _pairs(path):
            if self._labels.setdefault(file, label) != label:
                raise SkinModelError(
                    f"Expected one label for each file. Received: {file} twice, with {self._labels[file]} and {label}"
                )
        if not self._labels:
            raise SkinModelError(f"Expected a CSV of labels with at least one row. Received: {path.name}, which has none.")

    def of(self, file: str) -> str | None:
        """The label of the picture of that name, None where it has none."""
        path = PurePosixPath(file)
        return next((self._labels[name] for name in (file, path.name, path.stem) if name in self._labels), None)


def figures(rows: Iterable[Row], models: Iterable[str], labels: Labels) -> list[Figures]:
    """The figures of each of these models, in their order."""
    seen = {name: _Seen() for name in models}
    unread = 0
    for row in rows:
        label = labels.of(row.file)
        if not row.model:
            unread += label is not None
        elif label is None:
            seen[row.model].unlabelled += 1
        elif label not in row.probabilities:
            seen[row.model].unknown[label] += 1
        else:
            seen[row.model].truth.append(list(row.probabilities).index(label))
            seen[row.model].probabilities.append(list(row.probabilities.values()))
    return [_figures(name, its, unread) for name, its in seen.items()]


def _figures(name: str, seen: _Seen, unread: int) -> Figures:
    from skinmodels import metrics  # imports scikit-learn, which takes long

    labels, n = MODELS[name].labels, len(seen.truth)
    if not n:
        nothing = [[0] * len(labels) for _ in labels]
        return Figures(name, labels, 0, None, None, None, nothing, dict(seen.unknown), seen.unlabelled, unread)
    truth, probabilities = np.array(seen.truth, dtype=int), np.array(seen.probabilities).reshape(n, len(labels))
    found = metrics.headline(truth, probabilities)
    return Figures(
        name,
        labels,
        n,
        found["accuracy"],
        found["balanced_accuracy"],
        found.get("macro_auc"),
        metrics.confusion(truth, probabilities),
        dict(seen.unknown),
        seen.unlabelled,
        unread,
    )


def _pairs(path: Path) -> Iterable[tuple[str, str]]:
    try:
        if lfs.is_pointer_file(path):
            raise SkinModelError(f"Expected a CSV of labels. Received: {path.name}, {lfs.INSTEAD}.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            # Spreadsheets of some languages separate by semicolons.
            head = file.readline()
            file.seek(0)
            table = csv.DictReader(file, delimiter=";" if ";" in head and "," not in head else ",")
            names = {(name or "").strip().lower(): name for name in table.fieldnames or ()}
            if not {"file", "label"} <= names.keys():
                raise SkinModelError(
                    f"Expected a CSV of labels with the columns file and label. Received: {path.name} with "
                    f"{', '.join(shown(name or '')[:30] for name in (table.fieldnames or ())[:8]) or 'none'}"
                )
            for row in table:
                file_name, label = (row[names["file"]] or "").strip(), (row[names["label"]] or "").strip()
                if file_name and label:
                    yield shown(file_name.removeprefix("./")), shown(label)
    except (OSError, UnicodeDecodeError, csv.Error):
        raise SkinModelError(f"Expected a CSV of labels, in UTF-8. Received: {path.name}, which is none.") from None


def lines(figures: Figures) -> list[str]:
    """What there is to say of the figures beside the numbers, a sentence each."""
    said = []
    if figures.unknown:
        named = ", ".join(f"{label} ({count})" for label, count in sorted(figures.unknown.items())[:20])
        said.append(f"Left out, for labels this model does not know: {named}.")
    if figures.unlabelled:
        said.append(f"Left out, without a label: {figures.unlabelled}.")
    if figures.unread:
        said.append(f"Left out, as they could not be read: {figures.unread}.")
    missing = [code for code, row in zip(figures.labels, figures.confusion_matrix, strict=True) if not sum(row)]
    if figures.n and missing:
        said.append(f"Labels that do not occur: {', '.join(missing)}.")
    return said
