"""One's own labelled pictures: folders and CSVs, and one sentence for what is amiss."""

from __future__ import annotations

import shutil
from pathlib import Path

import drawn_data
import pandas as pd
import pytest

from skinmodels.batch import picture_files
from skinmodels.errors import SkinModelError
from training import evaluate
from training.data import labelled

LABELS = ("benign", "malignant")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for number, label in enumerate(LABELS):
        for i in range(4):
            drawn_data.save(drawn_data.picture(number, i), tmp_path / "own" / label / f"{i}.jpg")
    return tmp_path / "own"


@pytest.fixture
def table(own: Path) -> Path:
    rows = [{"file": f"{label}/{i}.jpg", "label": label} for label in LABELS for i in range(4)]
    pd.DataFrame(rows).to_csv(own / "labels.csv", index=False)
    return own / "labels.csv"


def test_folder_zip_and_csv_give_the_same(own: Path, table: Path) -> None:
    by_csv = labelled.load(table, LABELS)
    assert [(s.id, s.label) for s in by_csv] == [(f"{label}/{i}.jpg", label) for label in LABELS for i in range(4)]
    assert [s.id for s in labelled.load(own, LABELS)] == [s.id for s in by_csv], "the folder's CSV is found"
    table.unlink()
    assert [(s.id, s.label) for s in labelled.load(own, LABELS)] == [(s.id, s.label) for s in by_csv]
    zipped = labelled.load(shutil.make_archive(str(own), "zip", own), LABELS)
    assert [(s.id, s.label) for s in zipped] == [(s.id, s.label) for s in by_csv]
    assert zipped[0].file.open().size == (32, 32)


def test_a_group_column_joins_pictures_of_one_lesion(table: Path) -> None:
    rows = pd.read_csv(table)
    rows["group"] = ["a", "a", "", "b", "b", "b", "", ""]
    rows.to_csv(table, index=False)
    assert len({s.group for s in labelled.load(table, LABELS)}) == 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Expected a CSV at labels.csv"),
        ("file,label\n", "Expected a row for each picture in labels.csv. Received: none"),
        (
            "file,name\nbenign/0.jpg,benign\n",
            "Expected columns file and label in labels.csv. Received: no label",
        ),
        (
            "file,label\nbenign/0.jpg,harmless\n",
            "Expected labels benign, malignant in labels.csv. Received: harmless",
        ),
        (
            "file,label\nbenign/0.jpg,benign\n,malignant\n",
            "Expected a file name in every row of labels.csv. Received: 1 without one",
        ),
        (
            "file,label\nbenign/0.jpg,benign\nbenign/77.jpg,benign\n",
            "Expected a picture for each of the 2 rows .* none for 1, first benign/77.jpg",
        ),
        (
            "file,label\nbenign/0.jpg,benign\nbenign/0.jpg,benign\n",
            "Expected each file once in labels.csv. Received: benign/0.jpg more than once",
        ),
        (
            "file,label\nbenign/0.jpg,benign\n./benign/0.jpg,malignant\n",
            r"Expected each file once in labels.csv. Received: \./benign/0.jpg more than once",
        ),
    ],
)
def test_a_csv_amiss_is_one_sentence(table: Path, text: str, sentence: str) -> None:
    table.write_text(text)
    with pytest.raises(SkinModelError, match=sentence):
        labelled.load(table, LABELS)


def test_a_csv_that_is_not_there_is_one_sentence(table: Path) -> None:
    table.unlink()
    with pytest.raises(SkinModelError, match=r"Expected an existing \.csv"):
        labelled.load(table, LABELS)


def test_a_folder_amiss_is_one_sentence(own: Path, tmp_path: Path) -> None:
    with pytest.raises(SkinModelError, match=r"Expected labels akiec, bcc in .*own. Received: benign, malignant"):
        labelled.load(own, ("akiec", "bcc"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        SkinModelError, match=r"Expected pictures \(\.avif, .*\.jpeg, .*\) in sub-folders benign, malignant. Received: none"
    ):
        labelled.load(tmp_path / "empty", LABELS)
    with pytest.raises(SkinModelError, match=r"existing folder or a .zip file"):
        labelled.load(tmp_path / "nowhere", LABELS)


def test_evaluate_measures_ones_own_pictures(own: Path, table: Path, tmp_path: Path, capsys) -> None:
    assert evaluate.main(["kaggle_cnn_small", "--data", str(table), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    for words in ("8 pictures", "accuracy", "balanced_accuracy", "auc", "ece", "confusion matrix", "recall"):
        assert words in said
    assert (tmp_path / "out" / "test.csv").exists()
    shutil.rmtree(own / "malignant")
    table.unlink()
    assert evaluate.main(["kaggle_cnn_small", "--data", str(own)]) == 0, "one class alone has no AUC, and the rest"
    assert "auc" not in capsys.readouterr().out


def test_evaluate_says_what_is_amiss_in_one_sentence(own: Path, tmp_path: Path, capsys) -> None:
    for data, sentence in (
        ([str(own)], "Expected labels akiec, bcc"),
        ([str(own), str(own)], "Expected HAM10000, or one folder, .zip or .csv of your own"),
        ([str(tmp_path / "no.csv")], "Expected an existing .csv"),
        ([str(tmp_path / "no")], "Expected a data set as an existing folder"),
    ):
        assert evaluate.main(["ham_cnn28", "--data", *data]) == 1
        said = capsys.readouterr().err.strip()
        assert said.startswith(sentence)
        assert "\n" not in said


def test_a_set_is_trained_on_whatever_its_pictures_end_in(tmp_path: Path) -> None:
    """JFIF is how Windows saves a JPEG, AVIF how browsers do; batch takes them too."""
    for label in ("benign", "malignant"):
        for ending, kind in ((".jfif", "JPEG"), (".avif", "AVIF"), (".TIFF", "TIFF")):
            (tmp_path / label).mkdir(exist_ok=True)
            drawn_data.picture(0, 1).save(tmp_path / label / f"a{ending}", kind)
    samples = labelled.load(tmp_path, ("benign", "malignant"))
    assert [sample.id for sample in samples] == [file.name for file in picture_files.found([tmp_path])]
    assert len(samples) == 6
    assert {sample.file.open().size for sample in samples} == {(32, 32)}
