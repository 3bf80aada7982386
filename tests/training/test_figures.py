"""Comparing figures with those recorded, and what a model is measured on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import drawn_data
import numpy as np
import pytest
from conftest import ROOT

from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from training import figures
from training.data import datasets, lesions, splits
from training.evaluation import predictions, record_files


def test_a_figure_moves_when_it_differs_by_more_than_a_thousandth() -> None:
    old = {"a": {"b": [0.5, 1]}, "n": 10, "kind": "class", "within": True, "none": None}
    assert not list(figures.moved(old, {"a": {"b": [0.5009, 1]}, "n": 10, "kind": "class", "within": True, "none": None}))
    new = {"a": {"b": [0.502, 1]}, "n": 11, "kind": "marginal", "within": False, "none": 0.1, "more": 1}
    assert list(figures.moved(old, new)) == [
        "a.b[0]: 0.5 recorded, 0.502 computed",
        "n: 10 recorded, 11 computed",
        "kind: class recorded, marginal computed",
        "within: True recorded, False computed",
        "none: None recorded, 0.1 computed",
        "more: only computed",
    ]


def test_thinned_roc_curves_are_compared_as_curves() -> None:
    rate = np.linspace(0, 1, 201)
    curve = {"fpr": rate.tolist(), "tpr": np.sqrt(rate).tolist()}
    elsewhere = {"fpr": rate[::2].tolist(), "tpr": np.sqrt(rate[::2]).tolist()}
    lower = {"fpr": rate.tolist(), "tpr": (np.sqrt(rate) * 0.99).tolist()}
    assert not list(figures.moved({"roc": {"mel": curve}}, {"roc": {"mel": elsewhere}}, "test"))
    assert len(list(figures.moved({"test": {"roc": {"mel": curve}}}, {"test": {"roc": {"mel": lower}}}))) == 1


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict:
    root = tmp_path_factory.mktemp("sets")
    drawn_data.ham10000(root / "ham")
    drawn_data.melanoma(root / "siim")
    return datasets.find_sets([root / "ham", root / "siim"])


def subject(network: object, counts: dict | None = None) -> predictions.Subject:
    spec = MODELS["ham_cnn28"]
    return predictions.Subject(spec, network, {"kind": "lesion", "seed": 0, "n": counts})  # type: ignore[arg-type]


class Even:
    """Stands in for a network: the same answer to every picture."""

    def predict_on_batch(self, values: np.ndarray) -> np.ndarray:
        return np.full((len(values), 7), 1 / 7)


def test_every_picture_is_answered_in_its_part(sets: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    def all_but_the_first(_key: str, tested: list, known: list, known_key: str | None = None) -> np.ndarray:
        assert known_key in (None, "ham10000")
        assert len(known) == len(samples) - counts["test"], "training, validation and calibration are known"
        return np.arange(len(tested)) > 0

    monkeypatch.setattr(lesions, "clean", all_but_the_first)
    samples = datasets.ham10000(sets["ham10000"])
    table = splits.split(samples, "lesion")
    counts = splits.counts(table)
    found = predictions.gather([subject(Even(), counts)], sets)["ham_cnn28"]
    assert list(found.test["id"]) == list(table.loc[table["part"] == "test", "id"])
    assert list(found.calibration["id"]) == list(table.loc[table["part"] == "calibration", "id"])
    assert found.test["clean"].tolist() == [0] + [1] * (counts["test"] - 1)
    assert (len(found.external), found.left_out) == (23, {"siim": 1})
    assert set(found.external["set"]) == {"siim"}
    assert set(found.test["diagnosis_by"]) == {"histology", "follow-up"}
    assert found.test["akiec"].unique().tolist() == [round(1 / 7, 6)]
    few = predictions.gather([subject(Even(), counts)], sets, first=3)["ham_cnn28"]
    assert (len(few.test), len(few.calibration), len(few.external)) == (3, 3, 3)
    assert few.test.equals(found.test.head(3))


def test_other_pictures_than_those_trained_on_are_refused(sets: dict) -> None:
    with pytest.raises(SkinModelError, match="Expected the pictures ham_cnn28 was trained and tested on"):
        predictions.gather([subject(Even(), {"train": 1, "validation": 1, "calibration": 1, "test": 1})], sets)
    with pytest.raises(SkinModelError, match=r"Expected HAM10000 for ham_cnn28\. Received: siim"):
        predictions.gather([subject(Even())], {"siim": sets["siim"]})


def test_missing_answers_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(tmp_path))
    with pytest.raises(SkinModelError, match=r"Expected ham_cnn28.test.csv, ham_cnn28.calibration.csv"):
        record_files.read_tables("ham_cnn28")


@pytest.fixture
def small_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The records of a network and of a baseline of two classes, with the answers beside them."""
    for name in ("kaggle_cnn_small", "siim_border"):
        for file in (ROOT / "weights").glob(f"{name}.*"):
            if file.suffix in (".json", ".csv"):
                shutil.copy(file, tmp_path)
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(tmp_path))
    return tmp_path


def test_every_record_is_written_anew_from_the_predictions_beside_it(small_folder: Path, capsys) -> None:
    before = {file.name: file.read_bytes() for file in small_folder.iterdir()}
    for name in ("kaggle_cnn_small", "siim_border"):
        path = small_folder / f"{name}.json"
        spoiled = json.loads(path.read_text())
        spoiled["test"]["accuracy"] += 1e-4
        path.write_text(json.dumps(spoiled))
    assert figures.main(["--from-predictions", "--check"]) == 1
    found = capsys.readouterr()
    assert [line.split(":")[0] for line in found.err.splitlines()] == ["kaggle_cnn_small", "siim_border"]
    assert all(": test.accuracy: " in line for line in found.err.splitlines())
    assert figures.main(["--from-predictions"]) == 0
    for file in small_folder.iterdir():
        if file.suffix == ".json":
            assert not list(figures.moved(json.loads(before[file.name]), json.loads(file.read_text()), tolerance=1e-9))
        else:
            assert file.read_bytes() == before[file.name]
    written = {file.name: file.read_bytes() for file in small_folder.iterdir()}
    assert figures.main(["--from-predictions"]) == 0
    assert {file.name: file.read_bytes() for file in small_folder.iterdir()} == written
    assert figures.main(["siim_border", "--from-predictions", "--check"]) == 0
    assert "siim_border: as published" in capsys.readouterr().out


def test_options_that_do_not_go_together_are_one_sentence(small_folder: Path, capsys) -> None:
    assert figures.main(["--from-predictions", "--check", "--first", "5"]) == 1
    assert figures.main(["--data", str(small_folder)]) == 1
    assert figures.main(["ham_cnn28", "--from-predictions"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 3
