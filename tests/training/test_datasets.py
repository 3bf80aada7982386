"""Loaders: the public layouts, from folders and archives, and what is said where something is amiss."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import drawn_data
import numpy as np
import pandas as pd
import pytest

from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from training.data import datasets, pixels, splits
from training.data.files import Root
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
    with pytest.raises(SkinModelError, match=r"Received: hmnist_28_28_RGB\.csv, of 28x28 pixels"):
        datasets.load(replace(HAM, preprocessing=ISIC.preprocessing), [tmp_path])
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


def test_sets_are_recognised_by_what_they_hold(tmp_path: Path) -> None:
    made = {key: make(tmp_path / f"set {i}") for i, (key, make) in enumerate(drawn_data.MAKERS.items())}
    made |= {"pad_ufes": drawn_data.pad_ufes(tmp_path / "b")}
    apart = datasets.find_sets(list(made.values()))
    whole = datasets.find_sets([tmp_path])
    zips = tmp_path / "zips"
    zips.mkdir()
    for key, root in made.items():
        shutil.make_archive(str(zips / key), "zip", root)
    zipped = datasets.find_sets([zips])
    assert set(apart) == set(whole) == set(zipped) == set(datasets.LOADERS)
    assert [root.path for root in apart["isic2019"]] == [made["isic2019"], made["ham10000"]]
    for key, load in datasets.LOADERS.items():
        ids = [sample.id for sample in load(apart[key])]
        assert ids
        assert ids == [sample.id for sample in load(zipped[key])]
    shutil.rmtree(zips)
    for key in ("kaggle", "siim"):
        assert len(datasets.LOADERS[key](whole[key])) == len(datasets.LOADERS[key](apart[key]))


def test_pictures_may_lie_apart_from_their_table(tmp_path: Path) -> None:
    root = drawn_data.ham10000(tmp_path / "ham", folders=("HAM10000_images",))
    shutil.move(root / "HAM10000_images", tmp_path / "elsewhere")
    found = datasets.find_sets([root, tmp_path / "elsewhere"])
    assert list(found) == ["ham10000"]
    assert len(datasets.ham10000(found["ham10000"])) > 100
    root = drawn_data.siim(tmp_path / "siim")
    (tmp_path / "siim_pictures").mkdir()
    for file in root.rglob("*.jpg"):
        shutil.move(file, tmp_path / "siim_pictures" / file.name)
    assert len(datasets.siim(datasets.find_sets([root, tmp_path / "siim_pictures"])["siim"])) == 120


def test_a_folder_without_a_known_set_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SkinModelError, match="Expected one of the data sets Kaggle"):
        datasets.find_sets([tmp_path])
    with pytest.raises(SkinModelError, match="existing folder"):
        datasets.find_sets([tmp_path / "none"])


def test_ham_tells_of_its_people(tmp_path: Path) -> None:
    samples = datasets.load(HAM, [drawn_data.ham10000(tmp_path)])
    first = next(sample for sample in samples if sample.group == "HAM_mel_4")
    assert first.about == {"sex": "female", "site": "back", "diagnosis_by": "follow-up", "age_band": "under 30"}
    assert "sex" not in next(sample for sample in samples if sample.group == "HAM_mel_5").about, "unknown is not a sex"


@pytest.mark.parametrize(
    ("age", "band"),
    [(0, "under 30"), (29.9, "under 30"), (30, "30 to 44"), (60, "60 to 74"), (75, "75 and over"), (90, "75 and over")],
)
def test_age_bands(age: float, band: str) -> None:
    assert datasets.age_band(age) == band


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_pad_ufes(tmp_path: Path, suffix: str) -> None:
    samples = datasets.pad_ufes([Root(drawn_data.pad_ufes(tmp_path, suffix))])
    assert Counter(sample.label for sample in samples) == dict.fromkeys(datasets.PAD_UFES_CODES, 8)
    first, second = samples[:2]
    assert (first.group, second.group) == ("PAT_0", "PAT_1")
    assert first.about == {"site": "face", "diagnosis_by": "histology", "age_band": "under 30"}
    assert second.about == {"sex": "female", "fitzpatrick": "2", **first.about}
    assert first.file.open().size == (32, 32)


def test_melanoma_comes_split(tmp_path: Path) -> None:
    samples = datasets.siim([Root(drawn_data.melanoma(tmp_path))])
    assert Counter((sample.published_part, sample.label) for sample in samples) == {
        (part, label): 12 for part in ("train", "test") for label in ("benign", "malignant")
    }


def test_siim_comes_with_patients(tmp_path: Path) -> None:
    samples = datasets.siim([Root(drawn_data.siim(tmp_path))])
    assert Counter(sample.label for sample in samples) == {"benign": 80, "malignant": 40}
    assert samples[0].group == samples[1].group == "IP_0" != samples[2].group
    assert samples[2].about == {"sex": "male", "age_band": "30 to 44", "site": "torso"}
    assert datasets.find_sets([tmp_path]).keys() == {"siim"}
    kind = splits.default_kind("siim", samples)
    assert kind == "patient"
    table = splits.split(samples, kind)
    splits.check(table, kind, ("benign", "malignant"))
    assert (table.groupby("group")["part"].nunique() == 1).all()
    assert set(table["part"]) == set(splits.PARTS)


def test_siim_with_another_target_is_one_sentence(tmp_path: Path) -> None:
    root = drawn_data.siim(tmp_path)
    table = pd.read_csv(root / "train.csv")
    table.loc[3, "target"] = 7
    table.to_csv(root / "train.csv", index=False)
    with pytest.raises(SkinModelError, match=r"Expected 0 or 1 as target in train\.csv\. Received: 7"):
        datasets.siim([Root(root)])


def test_kaggle_pictures_found_in_ham_carry_what_it_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"id": "test/benign/1.jpg", "image_id": "ISIC_1", "lesion_id": "HAM_1", "dx": "nv", "dx_type": "consensus"}
    pd.DataFrame([row | {"age": 50.0, "sex": "male", "localization": "foot"}]).to_csv(tmp_path / "found.csv", index=False)
    monkeypatch.setattr(datasets, "KAGGLE_IN_HAM", tmp_path / "found.csv")
    samples = {sample.id: sample for sample in datasets.load(KAGGLE, [drawn_data.kaggle(tmp_path / "set")])}
    found = samples["test/benign/1.jpg"]
    where = {"sex": "male", "site": "foot", "age_band": "45 to 59", "diagnosis_by": "consensus"}
    assert found.about == where | {"lesion_id": "HAM_1", "diagnosis": "nv"}
    assert found.group == found.id, "the published split was drawn by picture"
    assert samples["test/benign/2.jpg"].about == {}


def test_pixels_of_large_sets_are_kept_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = datasets.load(KAGGLE, [drawn_data.kaggle(tmp_path)])[:4]
    preprocessing = HAM.preprocessing
    small = pixels.decode(samples, preprocessing, "pictures")
    monkeypatch.setattr(pixels, "IN_MEMORY", 0)
    large = pixels.decode(samples, preprocessing, "pictures")
    assert isinstance(large, np.memmap)
    assert np.array_equal(small, large)
