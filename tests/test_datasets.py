"""Loaders: the public layouts, from folders and archives, and what is said where something is amiss."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import drawn_data
import numpy as np
import pandas as pd
import pytest

from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from training import datasets
from training.train import main

KAGGLE, HAM, ISIC = MODELS["kaggle_cnn_small"], MODELS["ham_cnn28"], MODELS["isic_mobilenet"]


def archive(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


@pytest.mark.parametrize("name", ["kaggle_cnn_small", "ham_cnn28", "isic_mobilenet"])
def test_folder_and_zip_give_the_same(tmp_path: Path, name: str) -> None:
    spec = MODELS[name]
    root = drawn_data.MAKERS[spec.dataset.key](tmp_path / "set")
    folder, zipped = datasets.load(spec, [root]), datasets.load(spec, [archive(root)])
    assert [(s.id, s.label, s.group, s.published_part) for s in folder] == [
        (s.id, s.label, s.group, s.published_part) for s in zipped
    ]
    assert np.array_equal(np.asarray(folder[0].file.open()), np.asarray(zipped[0].file.open()))
    assert {sample.label for sample in folder} == set(spec.labels)


def test_kaggle_takes_its_parts_from_the_folders_once(tmp_path: Path) -> None:
    root = drawn_data.kaggle(tmp_path / "archive")
    shutil.copytree(root / "train", root / "data" / "train")
    samples = datasets.load(KAGGLE, [root])
    assert Counter(s.published_part for s in samples) == {"train": 60, "test": 20}


def test_ham_groups_by_lesion_in_any_folder(tmp_path: Path) -> None:
    samples = datasets.load(HAM, [drawn_data.ham10000(tmp_path, folders=("HAM10000_images", "more/deep"))])
    assert len({s.group for s in samples}) == 7 * drawn_data.LESIONS < len(samples)


def hmnist(root: Path, columns: int = 28 * 28 * 3) -> pd.DataFrame:
    """The set as its 28x28 CSV instead of pictures."""
    metadata = pd.read_csv(root / "HAM10000_metadata.csv")
    for folder in root.glob("HAM10000_images*"):
        shutil.rmtree(folder)
    numbers = {"akiec": 0, "bcc": 1, "bkl": 2, "df": 3, "nv": 4, "vasc": 5, "mel": 6}
    pixels = np.random.default_rng(0).integers(0, 256, (len(metadata), columns))
    table = pd.DataFrame(pixels, columns=[f"pixel{i:04d}" for i in range(columns)])
    table["label"] = [numbers[dx] for dx in metadata["dx"]]
    table.to_csv(root / "hmnist_28_28_RGB.csv", index=False)
    return table


def test_hmnist_csv_gives_its_pixels_and_the_lesions_of_the_metadata(tmp_path: Path) -> None:
    table = hmnist(drawn_data.ham10000(tmp_path))
    samples = datasets.load(HAM, [tmp_path])
    metadata = pd.read_csv(tmp_path / "HAM10000_metadata.csv")
    assert [s.group for s in samples] == list(metadata["lesion_id"])
    seen = HAM.preprocessing.pixels(samples[5].file.open())
    assert np.array_equal(seen, table.drop(columns="label").to_numpy()[5].reshape(28, 28, 3))


def test_hmnist_in_another_order_is_refused(tmp_path: Path) -> None:
    hmnist(drawn_data.ham10000(tmp_path))
    metadata = pd.read_csv(tmp_path / "HAM10000_metadata.csv")
    metadata.iloc[::-1].to_csv(tmp_path / "HAM10000_metadata.csv", index=False)
    with pytest.raises(SkinModelError, match="same pictures in the same order"):
        datasets.load(HAM, [tmp_path])


def test_isic_joins_roots_and_drops_classes_without_a_label(tmp_path: Path) -> None:
    root = drawn_data.isic2019(tmp_path / "one")
    other = tmp_path / "two" / "HAM10000_images"
    other.mkdir(parents=True)
    for file in sorted((root / "ISIC_2019_Training_Input").iterdir())[:50]:
        shutil.move(file, other / file.name)
    samples = datasets.load(ISIC, [root, tmp_path / "two"])
    counts = Counter(s.label for s in samples)
    assert counts == {label: drawn_data.ISIC_PICTURES - (label == "NV") for label in ISIC.labels}
    alone = [s for s in samples if s.group == s.id]
    assert len(alone) == 6 * drawn_data.ISIC_PICTURES / 4 - 1, "a picture without a lesion id is its own group"


def no_pictures_of_a_class(root: Path) -> None:
    shutil.rmtree(root / "train" / "benign")
    shutil.rmtree(root / "test" / "benign")


@pytest.mark.parametrize(
    ("name", "spoil", "sentence"),
    [
        ("kaggle_cnn_small", shutil.rmtree, "Expected a data set as an existing folder or a .zip file"),
        ("kaggle_cnn_small", no_pictures_of_a_class, "Expected pictures of every class .* none of benign"),
        ("kaggle_cnn_small", lambda root: shutil.rmtree(root / "test"), "comes with a test part of its own"),
        (
            "kaggle_cnn_small",
            lambda root: (root / "train/benign/3.jpg").write_text("hello"),
            "readable picture at train/benign/3.jpg",
        ),
        ("ham_cnn28", lambda root: (root / "HAM10000_metadata.csv").unlink(), "Expected HAM10000_metadata.csv"),
        ("ham_cnn28", lambda root: (root / "HAM10000_metadata.csv").write_text("a,b\n1,2\n"), "Expected the columns dx"),
        ("ham_cnn28", lambda root: next(root.glob("*part_1/*")).unlink(), "none for 1, first ISIC_"),
        (
            "isic_mobilenet",
            lambda root: (root / "ISIC_2019_Training_Metadata.csv").unlink(),
            "Expected ISIC_2019_Training_Metadata",
        ),
    ],
)
def test_amiss_is_one_sentence_before_anything_is_written(tmp_path: Path, capsys, name: str, spoil, sentence: str) -> None:
    root = drawn_data.MAKERS[MODELS[name].dataset.key](tmp_path / "set")
    spoil(root)
    assert main([name, "--data", str(root), "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(sentence, said), said
    assert not (tmp_path / "run").exists()
