"""The public data sets as users have them on disk: layout, labels, and which pictures show the same lesion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import pandas as pd
from PIL import Image

from skinmodels.errors import SkinModelError
from skinmodels.sources import ALL, PAD_UFES
from skinmodels.spec import ModelSpec
from training.data.files import PictureFile, Root, find_csv, require_csv


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
        about: what the set tells of the picture, where it does: sex, age_band, site, diagnosis_by, fitzpatrick (as
            written), and lesion_id and diagnosis where another set knows the lesion.
    """

    id: str
    label: str
    group: str
    file: Opener
    published_part: str = ""
    about: Mapping[str, str] = field(default_factory=dict, compare=False)


def kaggle(roots: list[Root]) -> list[Sample]:
    """Kaggle "Skin Cancer: Malignant vs. Benign": ``{train,test}/{benign,malignant}/*.jpg`` at any depth, no lesion ids.

    Pictures found in HAM10000 carry its lesion id, diagnosis and metadata in ``about``; ``group`` stays the picture's own
    id, since the published split was drawn with it.
    """
    known = _kaggle_in_ham(KAGGLE_IN_HAM)
    samples = _two_folders(roots, lambda file: not file.startswith(_MELANOMA_FILE))
    return [replace(sample, about=known.get(sample.id, {})) for sample in samples]


# Written by training.audit: which picture of the Kaggle set is which of HAM10000, with HAM10000's metadata.
KAGGLE_IN_HAM = Path(__file__).with_name("kaggle_in_ham.csv")


@lru_cache(maxsize=1)
def _kaggle_in_ham(path: Path) -> dict[str, dict[str, str]]:
    """What HAM10000 tells of the Kaggle pictures found there, by id; nothing before the first audit."""
    if not path.exists():
        return {}
    table = pd.read_csv(path)
    rows = zip(table["id"], table["lesion_id"], table["dx"], _ham_about(table), strict=True)
    return {id: {**about, "lesion_id": lesion, "diagnosis": diagnosis} for id, lesion, diagnosis, about in rows}


def siim(roots: list[Root]) -> list[Sample]:
    """SIIM-ISIC 2020: ``train.csv`` and the JPEG files it names in any folders, grouped by patient.

    Or, without ``train.csv``, Kaggle's "Melanoma Skin Cancer Dataset of 10000 Images", made of it and of other pictures of the
    ISIC archive: ``{train,test}/{benign,malignant}/melanoma_*.jpg``, without patient ids.
    """
    table = find_csv(roots, "train.csv", _SIIM_COLUMNS)
    if table is None:
        return _two_folders(roots, lambda file: file.startswith(_MELANOMA_FILE))
    if odd := sorted(set(table["target"]) - {0, 1}):
        raise SkinModelError(f"Expected 0 or 1 as target in train.csv. Received: {odd[0]}")
    labels = ["malignant" if target else "benign" for target in table["target"]]
    about = _about(table, sex="sex", age="age_approx", site="anatom_site_general_challenge")
    return _labelled(list(table["image_name"]), labels, list(table["patient_id"]), about, _by_stem(roots), every=True)


_SIIM_COLUMNS = {"image_name", "patient_id", "target"}


# Two public sets come in the same folders; their file names tell them apart.
_MELANOMA_FILE = "melanoma_"


def _two_folders(roots: list[Root], is_wanted: Callable[[str], bool]) -> list[Sample]:
    found: dict[str, Sample] = {}
    for root in roots:
        # The public archive holds the same folders twice; the shallower copy wins.
        for name in sorted(root.pictures(), key=lambda name: (name.count("/"), name)):
            part, label, file = _part_label_file(name)
            if part and is_wanted(file):
                key = f"{part}/{label}/{file}"
                found.setdefault(key, Sample(key, label, key, PictureFile(root, name), part))
    if not found:
        raise SkinModelError(f"Expected folders train and test with benign and malignant inside. Received: {_names(roots)}")
    return [found[key] for key in sorted(found)]


def _part_label_file(name: str) -> tuple[str, str, str]:
    """Part, label and file name of ``.../train/benign/1.jpg``; part and label empty for a picture anywhere else."""
    part, label, file = PurePosixPath("/", name).parts[-3:] if name.count("/") >= 2 else ("", "", name)
    is_split = part in ("train", "test") and label in ("benign", "malignant")
    return (part, label, file) if is_split else ("", "", file)


def ham10000(roots: list[Root]) -> list[Sample]:
    """HAM10000: ``HAM10000_metadata.csv`` and its pictures in any folders, or ``hmnist_28_28_RGB.csv`` instead of them."""
    table = require_csv(roots, "HAM10000_metadata.csv", {"lesion_id", "image_id", "dx"})
    files = _by_stem(roots)
    if not any(image in files for image in table["image_id"]):
        pixels = find_csv(roots, _HMNIST, {"label"})
        if pixels is not None:
            return _hmnist(table, pixels)
    return _labelled(list(table["image_id"]), list(table["dx"]), list(table["lesion_id"]), _ham_about(table), files, every=True)


_HAM_DIAGNOSIS_BY = {"histo": "histology", "follow_up": "follow-up", "consensus": "consensus", "confocal": "confocal"}


def _ham_about(table: pd.DataFrame) -> list[dict[str, str]]:
    """What HAM10000's metadata tell of each row, where they have the columns."""
    return _about(table, sex="sex", age="age", site="localization", diagnosis_by="dx_type")


# Bands of the age in years, from their lower edge; the sets give ages in steps of five.
_AGE_BANDS = ((0, "under 30"), (30, "30 to 44"), (45, "45 to 59"), (60, "60 to 74"), (75, "75 and over"))


def age_band(age: float) -> str:
    """The band an age in years falls into."""
    return [name for least, name in _AGE_BANDS if least <= max(age, 0)][-1]


def _about(table: pd.DataFrame, age: str, **columns: str) -> list[dict[str, str]]:
    """For each row the values that are known, under this project's names: ``name=column of the set``."""
    found: list[dict[str, str]] = [{} for _ in range(len(table))]
    for name, column in {**columns, "age_band": age}.items():
        if column not in table.columns:
            continue
        for its, value in zip(found, table[column], strict=True):
            if pd.isna(value) or str(value).lower() in ("unknown", ""):
                continue
            text = age_band(float(value)) if name == "age_band" else str(value).lower()
            its[name] = _HAM_DIAGNOSIS_BY.get(text, text) if name == "diagnosis_by" else text
    return found


# HAM10000's pictures at 28x28, as numbers.
_HMNIST = "hmnist_28_28_RGB.csv"
# Its codes, in the order of its numbers 0..6.
_HMNIST_LABELS = ("akiec", "bcc", "bkl", "df", "nv", "vasc", "mel")


@dataclass(frozen=True)
class _Pixels:
    values: np.ndarray

    def open(self) -> Image.Image:
        return Image.fromarray(self.values)


def _hmnist(table: pd.DataFrame, pixels: pd.DataFrame) -> list[Sample]:
    values = pixels.drop(columns="label").to_numpy(np.uint8)
    if values.shape[1] != 28 * 28 * 3:
        raise SkinModelError(f"Expected 2352 pixel columns in {_HMNIST}. Received: {values.shape[1]}")
    codes = [_HMNIST_LABELS[number] if 0 <= number < len(_HMNIST_LABELS) else str(number) for number in pixels["label"]]
    if codes != list(table["dx"]):
        raise SkinModelError(
            f"Expected {_HMNIST} and HAM10000_metadata.csv to list the same pictures in the same order. "
            f"Received: {len(codes)} and {len(table)} rows whose diagnoses differ"
        )
    images = values.reshape(-1, 28, 28, 3)
    rows = zip(table["image_id"], table["dx"], table["lesion_id"], images, _ham_about(table), strict=True)
    return [Sample(id, label, group, _Pixels(image), about=about) for id, label, group, image, about in rows]


_DOWNSAMPLED = "_downsampled"


def isic2019(roots: list[Root]) -> list[Sample]:
    """ISIC 2019: ground truth and metadata CSV, pictures in any of the roots, ``_downsampled`` or not; labels are its own
    also for pictures that come from HAM10000. Pictures that are not at hand are left out."""
    truth = require_csv(roots, "ISIC_2019_Training_GroundTruth.csv", {"image", "MEL", "NV", "BCC", "AK", "BKL", "SCC"})
    metadata = require_csv(roots, "ISIC_2019_Training_Metadata.csv", {"image", "lesion_id"})
    # The public CSVs write "_downsampled" behind some ids, behind others only the files have it.
    for rows in (truth, metadata):
        rows["image"] = rows["image"].str.removesuffix(_DOWNSAMPLED)
    table = truth.merge(metadata, on="image", how="left", validate="one_to_one")
    classes = [column for column in truth.columns if column != "image"]
    labels = [classes[i] for i in table[classes].to_numpy().argmax(axis=1)]
    about = _about(table, sex="sex", age="age_approx", site="anatom_site_general")
    return _labelled(list(table["image"]), labels, list(table["lesion_id"]), about, _by_stem(roots), every=False)


# PAD-UFES-20's diagnoses, and the code of the same diagnosis in ISIC 2019, which has the others under the same code.
PAD_UFES_CODES = dict(PAD_UFES.common)


def pad_ufes(roots: list[Root]) -> list[Sample]:
    """PAD-UFES-20: ``metadata.csv`` and clinical photographs ``PAT_*.png`` (or .jpg); pictures that are not at hand are
    left out. Grouped by patient. Where a lesion was not biopsied, its diagnosis is the dermatologists' consensus."""
    table = require_csv(roots, "metadata.csv", {"patient_id", "img_id", "diagnostic", "fitspatrick"})
    if "biopsed" in table.columns:
        table["diagnosis_by"] = table["biopsed"].astype(str).str.lower().map({"true": "histology", "false": "consensus"})
    table["skin_type"] = [f"{value:.0f}" if value > 0 else None for value in table["fitspatrick"]]
    about = _about(table, sex="gender", age="age", site="region", diagnosis_by="diagnosis_by", fitzpatrick="skin_type")
    ids = [PurePosixPath(name).stem for name in table["img_id"]]
    return _labelled(ids, list(table["diagnostic"]), list(table["patient_id"]), about, _by_stem(roots), every=False)


def _by_stem(roots: list[Root]) -> dict[str, PictureFile]:
    files: dict[str, PictureFile] = {}
    for root in roots:
        for name in root.pictures():
            files.setdefault(PurePosixPath(name).stem.removesuffix(_DOWNSAMPLED), PictureFile(root, name))
    return files


def _labelled(
    ids: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str | float],
    about: Sequence[Mapping[str, str]],
    files: dict[str, PictureFile],
    every: bool,
) -> list[Sample]:
    """Samples for the ids whose picture is at hand; with ``every`` a missing one is an error."""
    missing = [id for id in ids if id not in files]
    if missing and (every or len(missing) == len(ids)):
        raise SkinModelError(
            f"Expected a picture for each of the {len(ids)} rows. Received: none for {len(missing)}, first {missing[0]}"
        )
    rows = zip(ids, labels, groups, about, strict=True)
    return [
        Sample(id, label, id if pd.isna(group) else str(group), files[id], about=its)
        for id, label, group, its in rows
        if id in files
    ]


LOADERS: dict[str, Callable[[list[Root]], list[Sample]]] = {
    "kaggle": kaggle,
    "ham10000": ham10000,
    "isic2019": isic2019,
    "siim": siim,
    "pad_ufes": pad_ufes,
}
# What people are shown; the last is for measuring only, and no model is trained on it.
TITLES = {key: dataset.title for key, dataset in ALL.items()}


def find_sets(paths: Sequence[str | Path]) -> dict[str, list[Root]]:
    """The data sets in these folders and .zip files, recognised by what they hold: the roots each loader needs, by key.

    A folder may hold one set, several, or .zip files of them. ISIC 2019 is given HAM10000's pictures too, which it contains.
    Raises SkinModelError for a wrong path, or where no set is found.
    """
    roots = open_roots(paths)
    found = sets_in(roots)
    if not found:
        raise SkinModelError(f"Expected one of the data sets {', '.join(TITLES.values())}. Received: {_names(roots)}")
    return found


def sets_in(roots: Sequence[Root]) -> dict[str, list[Root]]:
    """``find_sets`` from roots that are open already; nothing where there is no set among them."""
    held = [(root, _recognised(root)) for root in roots]
    found = {key: [root for root, keys in held if key in keys] for key in LOADERS}
    for key in ("ham10000", "isic2019", "siim"):
        # Pictures may lie apart from the tables that name them.
        found[key] += [root for root, keys in held if "isic pictures" in keys] if found[key] else []
    if found["isic2019"]:
        found["isic2019"] += [root for root in found["ham10000"] if root not in found["isic2019"]]
    return {key: its for key, its in found.items() if its}


def open_roots(paths: Sequence[str | Path]) -> list[Root]:
    """A root for each path, and one for each .zip that lies in a folder among them."""
    roots: list[Root] = []
    for path in paths:
        roots.append(Root(path))
        roots += [Root(file) for file in sorted(Path(path).glob("*.zip"))] if Path(path).is_dir() else []
    return roots


def _recognised(root: Root) -> set[str]:
    """Keys of the sets in this root; "isic pictures" for pictures with ISIC ids without a table."""
    csvs = {PurePosixPath(name).name.lower() for name in root.names if name.lower().endswith(".csv")}
    pictures = list(root.pictures())
    keys = {
        "siim" if file.startswith(_MELANOMA_FILE) else "kaggle" for part, _, file in map(_part_label_file, pictures) if part
    }
    stems = {PurePosixPath(name).name[:4] for name in pictures}
    keys |= {"ham10000"} if "ham10000_metadata.csv" in csvs else set()
    keys |= {"isic2019"} if "isic_2019_training_groundtruth.csv" in csvs else set()
    # Paired with pictures of another set only by name; the columns are looked at when it is read.
    keys |= {"siim"} if "train.csv" in csvs else set()
    keys |= {"pad_ufes"} if "metadata.csv" in csvs and "PAT_" in stems else set()
    return keys or ({"isic pictures"} if "ISIC" in stems else set())


def load(spec: ModelSpec, paths: Sequence[str | Path]) -> list[Sample]:
    """All labelled pictures of the model's data set in these folders or archives, classes it does not know left out.

    Raises SkinModelError for a wrong path, a missing CSV, a missing picture, or a class without pictures.
    """
    return of_model(spec, open_roots(paths))


def of_model(spec: ModelSpec, roots: list[Root]) -> list[Sample]:
    """``load`` from roots that are open already, as ``find_sets`` gives them."""
    samples = [sample for sample in LOADERS[spec.dataset.key](roots) if sample.label in spec.labels]
    if any(isinstance(sample.file, _Pixels) for sample in samples) and max(spec.preprocessing.size) > 28:
        raise SkinModelError(f"Expected the pictures of HAM10000 for {spec.name}. Received: {_HMNIST}, of 28x28 pixels")
    counts = Counter(sample.label for sample in samples)
    if empty := [label for label in spec.labels if not counts[label]]:
        raise SkinModelError(f"Expected pictures of every class of {spec.dataset.title}. Received: none of {', '.join(empty)}")
    return samples


def _names(roots: list[Root]) -> str:
    return ", ".join(str(root.path) for root in roots)
