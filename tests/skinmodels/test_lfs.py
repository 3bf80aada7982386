"""A clone without Git LFS has pointers in place of its large files: each is called one, with the command that fetches it."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from drawn_pictures import LFS_POINTER

from skinmodels import images, inference, lfs, weights
from skinmodels.batch import picture_files
from skinmodels.batch.figures import Labels
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from training.data import datasets, labelled
from training.data.files import Root, find_csv
from training.evaluation import record_files
from training.fitting import runs
from training.fitting.pretrained import load_start


def sentence(call: Callable[[], object], name: str) -> str:
    """What is said of the file of that name."""
    with pytest.raises(SkinModelError) as caught:
        call()
    said = str(caught.value)
    assert "a Git LFS pointer in place of the file; run `git lfs pull`" in said
    assert name in said
    assert "\n" not in said
    assert "damaged" not in said
    return said


@pytest.fixture
def pointer(tmp_path: Path) -> Callable[[str], Path]:
    def write(name: str) -> Path:
        (tmp_path / name).write_bytes(LFS_POINTER)
        return tmp_path / name

    return write


@pytest.mark.parametrize("ending", [".weights.h5", ".json"])
def test_weights_and_records(ending: str, own_weights: Path, drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "_loaded", {})
    name = "ham_cnn28"
    (own_weights / f"{name}{ending}").write_bytes(LFS_POINTER)
    assert MODELS[name].title in sentence(lambda: weights.check(name), f"{name}{ending}")
    sentence(lambda: inference.predict(name, drawn(1)), f"{name}{ending}")
    assert inference.predict("isic_mobilenet", drawn(1)).name == "isic_mobilenet", "other models go on"


def test_a_network_that_is_filled_from_a_pointer(pointer: Callable[[str], Path]) -> None:
    spec, path = MODELS["kaggle_cnn_small"], pointer("own.weights.h5")
    sentence(lambda: weights.load_file(spec, path), path.name)
    model = spec.build()
    sentence(lambda: load_start(model, model.layers[-1].name, str(path)), path.name)


def test_pictures(pointer: Callable[[str], Path]) -> None:
    path = pointer("lesion.jpg")
    sentence(lambda: images.read(path), "lesion.jpg")
    sentence(lambda: images.read(io.BytesIO(LFS_POINTER)), "the file")
    sentence(lambda: datasets.PictureFile(Root(path.parent), "lesion.jpg").open(), "lesion.jpg")


def test_archives(pointer: Callable[[str], Path]) -> None:
    path = pointer("HAM10000.zip")
    sentence(lambda: list(picture_files.found([path])), "HAM10000.zip")
    sentence(lambda: Root(path), "HAM10000.zip")
    sentence(lambda: datasets.load(MODELS["ham_cnn28"], [path]), "HAM10000.zip")
    sentence(lambda: datasets.find_sets([path.parent]), "HAM10000.zip")


def test_tables(pointer: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pointer("HAM10000_metadata.csv")
    sentence(lambda: find_csv([Root(tmp_path)], path.name, {"image_id"}), path.name)
    sentence(lambda: labelled.load(path, ("nv", "mel")), path.name)
    sentence(lambda: Labels(path), path.name)
    sentence(lambda: runs.read_json(pointer("config.json")), "config.json")
    for part in ("test", "calibration", "external"):
        pointer(f"ham_svm.{part}.csv")
    shutil.copy(ROOT / "weights" / "ham_svm.json", tmp_path)
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(tmp_path))
    sentence(lambda: record_files.read_tables("ham_svm"), "ham_svm.test.csv")


def test_nothing_else_is_taken_for_a_pointer(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("version 2 of https://git-lfs.github.com/spec/")
    os.mkfifo(tmp_path / "fifo")
    assert not any(lfs.is_pointer_file(tmp_path / name) for name in ("notes.txt", "fifo", "nothing", "."))
    assert not lfs.is_pointer(b"")
