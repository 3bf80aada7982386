"""The public data sets as users have them on disk: layout, labels, and which pictures show the same lesion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import pandas as pd
from PIL import Image

from skinmodels.errors import SkinModelError
from skinmodels.spec import ModelSpec
from training.files import PictureFile, Root, find_csv, require_csv


class Opener(Protocol):
    """Whatever yields one RGB picture."""

    def open(self) -> Image.Image: ...


@dataclass(frozen=True)
class Sample:
    """One labelled picture.

    Attributes:
        id: the data set's own id, or the path inside it where there is none.
        label: class code.
        group: lesion (or patient); pictures of one group never stand in two parts of a split. The id where none is known.
        file: opens the picture.
        published_part: "train" or "test" where the set comes split, else "".
    """

    id: str
    label: str
    group: str
    file: Opener
    published_part: str = ""


def kaggle(roots: list[Root]) -> list[Sample]:
    """Kaggle "Skin Cancer: Malignant vs. Benign": ``{train,test}/{benign,malignant}/*.jpg`` at any depth, no lesion ids."""
    found: dict[str, Sample] = {}
    for root in roots:
        # The public archive holds the same folders twice; the shallower copy wins.
        for name in sorted(root.pictures(), key=lambda name: (name.count("/"), name)):
            part, label, file = PurePosixPath("/", name).parts[-3:] if name.count("/") >= 2 else ("", "", name)
            if part in ("train", "test") and label in ("benign", "malignant"):
                key = f"{part}/{label}/{file}"
                found.setdefault(key, Sample(key, label, key, PictureFile(root, name), part))
    if not found:
        raise SkinModelError(f"Expected folders train and test with benign and malignant inside. Received: {_names(roots)}")
    return [found[key] for key in sorted(found)]


def ham10000(roots: list[Root]) -> list[Sample]:
    """HAM10000: ``HAM10000_metadata.csv`` and its pictures in any folders, or ``hmnist_28_28_RGB.csv`` instead of them."""
    table = require_csv(roots, "HAM10000_metadata.csv", {"lesion_id", "image_id", "dx"})
    files = _by_stem(roots)
    if not any(image in files for image in table["image_id"]):
        pixels = find_csv(roots, "hmnist_28_28_RGB.csv", {"label"})
        if pixels is not None:
            return _hmnist(table, pixels)
    return _labelled(list(table["image_id"]), list(table["dx"]), list(table["lesion_id"]), files, every=True)


# Codes of hmnist_28_28_RGB.csv, in the order of its numbers 0..6.
_HMNIST_LABELS = ("akiec", "bcc", "bkl", "df", "nv", "vasc", "mel")


@dataclass(frozen=True)
class _Pixels:
    values: np.ndarray

    def open(self) -> Image.Image:
        return Image.fromarray(self.values)


def _hmnist(table: pd.DataFrame, pixels: pd.DataFrame) -> list[Sample]:
    values = pixels.drop(columns="label").to_numpy(np.uint8)
    if values.shape[1] != 28 * 28 * 3:
        raise SkinModelError(f"Expected 2352 pixel columns in hmnist_28_28_RGB.csv. Received: {values.shape[1]}")
    codes = [_HMNIST_LABELS[number] if 0 <= number < len(_HMNIST_LABELS) else str(number) for number in pixels["label"]]
    if codes != list(table["dx"]):
        raise SkinModelError(
            "Expected hmnist_28_28_RGB.csv and HAM10000_metadata.csv to list the same pictures in the same order. "
            f"Received: {len(codes)} and {len(table)} rows whose diagnoses differ"
        )
    images = values.reshape(-1, 28, 28, 3)
    rows = zip(table["image_id"], table["dx"], table["lesion_id"], images, strict=True)
    return [Sample(id, label, group, _Pixels(image)) for id, label, group, image in rows]


_DOWNSAMPLED = "_downsampled"


def isic2019(roots: list[Root]) -> list[Sample]:
    """ISIC 2019: ground truth and metadata CSV, pictures in any of the roots, ``_downsampled`` or not; labels are its own
    also for pictures that come from HAM10000. Pictures that are not at hand are left out."""
    truth = require_csv(roots, "ISIC_2019_Training_GroundTruth.csv", {"image", "MEL", "NV", "BCC", "AK", "BKL", "SCC"})
    metadata = require_csv(roots, "ISIC_2019_Training_Metadata.csv", {"image", "lesion_id"})
    # The public CSVs write "_downsampled" behind some ids, behind others only the files have it.
    for rows in (truth, metadata):
        rows["image"] = rows["image"].str.removesuffix(_DOWNSAMPLED)
    table = truth.merge(metadata[["image", "lesion_id"]], on="image", how="left", validate="one_to_one")
    classes = [column for column in truth.columns if column != "image"]
    labels = table[classes].to_numpy().argmax(axis=1)
    return _labelled(list(table["image"]), [classes[i] for i in labels], list(table["lesion_id"]), _by_stem(roots), every=False)


def _by_stem(roots: list[Root]) -> dict[str, PictureFile]:
    files: dict[str, PictureFile] = {}
    for root in roots:
        for name in root.pictures():
            files.setdefault(PurePosixPath(name).stem.removesuffix(_DOWNSAMPLED), PictureFile(root, name))
    return files


def _labelled(
    ids: Sequence[str], labels: Sequence[str], groups: Sequence[str | float], files: dict[str, PictureFile], every: bool
) -> list[Sample]:
    """Samples for the ids whose picture is at hand; with ``every`` a missing one is an error."""
    missing = [id for id in ids if id not in files]
    if missing and (every or len(missing) == len(ids)):
        raise SkinModelError(
            f"Expected a picture for each of the {len(ids)} rows. Received: none for {len(missing)}, first {missing[0]}"
        )
    rows = zip(ids, labels, groups, strict=True)
    return [Sample(id, label, id if pd.isna(group) else str(group), files[id]) for id, label, group in rows if id in files]


LOADERS: dict[str, Callable[[list[Root]], list[Sample]]] = {"kaggle": kaggle, "ham10000": ham10000, "isic2019": isic2019}


def load(spec: ModelSpec, paths: Sequence[str | Path]) -> list[Sample]:
    """All labelled pictures of the model's data set in these folders or archives, classes it does not know left out.

    Raises SkinModelError for a wrong path, a missing CSV, a missing picture, or a class without pictures.
    """
    roots = [Root(path) for path in paths]
    samples = [sample for sample in LOADERS[spec.dataset.key](roots) if sample.label in spec.labels]
    counts = Counter(sample.label for sample in samples)
    if empty := [label for label in spec.labels if not counts[label]]:
        raise SkinModelError(f"Expected pictures of every class of {spec.dataset.title}. Received: none of {', '.join(empty)}")
    return samples


def _names(roots: list[Root]) -> str:
    return ", ".join(str(root.path) for root in roots)
