"""Many pictures: finding them, reading them, the rows, files of rows that a run goes on from, figures. No network is loaded."""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import threading
import zipfile
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from PIL import Image

from skinmodels import images, inference
from skinmodels.batch import engine, engine_ray, figures, picture_files, rows
from skinmodels.batch.picture_files import PictureFile, Reader, found
from skinmodels.batch.result_file import Results, read
from skinmodels.batch.rows import Row
from skinmodels.errors import SkinModelError
from skinmodels.inference import Prediction
from skinmodels.registry import MODELS
from skinmodels.versions import versions

TWO = ["kaggle_cnn_small", "ham_cnn28"]
CHECKED = [(name, name[0] * 64) for name in TWO]


@pytest.fixture(autouse=True)
def constant_networks(monkeypatch):
    """Answers that depend on the picture's mean alone, in place of the networks; gives how many pictures each call had."""
    calls: list[int] = []

    def answer(name, pictures):
        calls.append(len(pictures))
        spec = MODELS[name]
        answers = []
        for picture in pictures:
            shares = np.arange(1, len(spec.labels) + 1) + float(np.asarray(picture).mean())
            probabilities = dict(zip(spec.labels, map(float, shares / shares.sum()), strict=True))
            conformal = () if name == "ham_cnn28" else None
            answers.append(Prediction(name, probabilities, spec.preprocessing.picture(picture), 0.001, conformal))
        return answers

    monkeypatch.setattr(inference, "predict_batch", answer)
    return calls


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three good pictures, two bad ones, and what is to be passed over or left out."""
    root = tmp_path / "pictures"
    (root / "deeper").mkdir(parents=True)
    (root / ".hidden").mkdir()
    for i, name in enumerate(("a.png", "c.jpg", "deeper/e.webp")):
        Image.new("RGB", (40 + i, 30), (50 * i, 20, 30)).save(root / name)
    (root / "b.jpg").write_text("no picture")
    (root / "d.png").write_bytes((root / "a.png").read_bytes()[:60])
    (root / "notes.txt").write_text("no picture")
    (root / ".hidden" / "x.png").write_bytes(b"")
    return root


NAMES = ["a.png", "b.jpg", "c.jpg", "d.png", "deeper/e.webp"]


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
        archive.writestr("__MACOSX/._a.png", b"resource fork")
        archive.writestr("inner.zip", b"an archive in an archive")
    return path


# Finding pictures


def test_a_folder_and_its_archive_hold_the_same_pictures(folder, tmp_path):
    passed_over: list[str] = []
    assert [file.name for file in found([folder], passed_over.append)] == NAMES
    assert passed_over == ["notes.txt"]
    archive = zipped(folder, tmp_path / "pictures.zip")
    passed_over.clear()
    in_archive = list(found([archive], passed_over.append))
    assert [file.name for file in in_archive] == NAMES
    assert passed_over == ["inner.zip", "notes.txt"]
    with Reader() as reader:
        for one, other in zip(found([folder]), in_archive, strict=True):
            assert reader.read(one) == reader.read(other)


def test_several_sources_keep_their_names_apart(folder, tmp_path, monkeypatch):
    archive = zipped(folder, tmp_path / "pictures.zip")
    monkeypatch.chdir(tmp_path)
    names = [file.name for file in found(["pictures", archive.name, "pictures/b.jpg"])]
    assert names == [f"pictures/{name}" for name in NAMES] + [f"pictures.zip/{name}" for name in NAMES] + ["pictures/b.jpg"]


def test_a_file_named_itself_is_taken_whatever_its_ending(folder):
    assert [file.path for file in found([folder / "notes.txt"])] == [str(folder / "notes.txt")]
    with pytest.raises(SkinModelError, match="not there"):
        list(found([folder / "nothing.jpg"]))


def test_folders_are_read_lazily(folder):
    files = found([folder, folder / "not there"])
    assert len(list(islice(files, 5))) == 5
    with pytest.raises(SkinModelError):
        next(files)


def test_names_are_one_line_of_valid_text():
    assert picture_files.shown("a\nb\x1b[31m\udcff\u2028.jpg") == "a\\nb\\x1b[31m\\udcff\\u2028.jpg"
    assert picture_files.shown("Läsion é \u202f🔬.jpg") == "Läsion é \u202f🔬.jpg"


def test_archives_that_cannot_be_read(tmp_path, folder):
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(SkinModelError, match="damaged or is none"):
        list(found([broken]))

    encrypted = bytearray(zipped(folder, tmp_path / "encrypted.zip").read_bytes())
    at = encrypted.find(b"PK\x01\x02")
    while at >= 0:
        encrypted[at + 8] |= 1
        at = encrypted.find(b"PK\x01\x02", at + 4)
    (tmp_path / "encrypted.zip").write_bytes(encrypted)
    with pytest.raises(SkinModelError, match="without a password"):
        list(found([tmp_path / "encrypted.zip"]))


def test_archive_bombs(tmp_path, monkeypatch):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("large.png", bytes(3_000_000))
        archive.writestr("liar.png", bytes(3_000_000))
        archive.writestr("../../outside.png", b"small")
    with pytest.raises(SkinModelError, match="at most 2 files"):
        list(picture_files.in_archive(bomb, most_members=2))
    with pytest.raises(SkinModelError, match="at most 4 MB, unpacked"):
        list(picture_files.in_archive(bomb, most_bytes=4 * 1024**2))

    # One that says it holds less than it does is read no further than it says.
    data = bytearray(bomb.read_bytes())
    at = data.rfind(b"liar.png") - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    bomb.write_bytes(data)
    monkeypatch.setattr(images, "MAX_BYTES", 1_000_000)
    files = {file.name: file for file in picture_files.in_archive(bomb)}
    with Reader() as reader:
        with pytest.raises(SkinModelError, match="at most 0 MB"):
            reader.read(files["large.png"])
        with pytest.raises(SkinModelError, match="damaged"):
            reader.read(files["liar.png"])
        assert reader.read(files["../../outside.png"]) == b"small"
    assert not (tmp_path.parent / "outside.png").exists()


def test_compressions_that_can_ask_for_gigabytes_are_not_opened(tmp_path):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.png", bytes(1000))
    (file,) = found([tmp_path / "odd.zip"])
    with Reader() as reader, pytest.raises(SkinModelError, match="cannot be read"):
        reader.read(file)


# Rows


def test_rows(folder):
    got = list(engine.rows(found([folder]), CHECKED, batch_size=2))
    assert [(row.file, row.model) for row in got] == [
        (name, model) for name in NAMES for model in ([""] if name in ("b.jpg", "d.png") else TWO)
    ]
    for row in got:
        assert row.sha256 == hashlib.sha256((folder / row.file).read_bytes()).hexdigest()
        assert row.versions == versions()
        if row.model:
            assert row.error == ""
            assert row.weights_sha256 == dict(CHECKED)[row.model]
            (expected,) = inference.predict_batch(row.model, [images.read(folder / row.file)])
            assert row.probabilities == expected.probabilities
            assert row.malignancy == expected.malignancy
        else:
            assert row.file in row.error
            assert (row.probabilities, row.malignancy, row.top) == ({}, None, "")


def test_rows_do_not_depend_on_batches_and_workers(folder, tmp_path):
    expected = list(engine.rows(found([folder]), CHECKED, batch_size=1, workers=1))
    archive = zipped(folder, tmp_path / "pictures.zip")
    for source in (folder, archive):
        for size, workers in ((engine.BATCH_SIZE, None), (2, None), (3, 3)):
            assert list(engine.rows(found([source]), CHECKED, batch_size=size, workers=workers)) == expected
    assert list(engine.rows([], CHECKED)) == []


def test_a_view_reduced_before_the_batch_is_the_same_view(drawn):
    for size in ((450, 600), (100, 900), (224, 224), (30, 20)):
        picture = drawn(3, size)
        for spec in MODELS.values():
            reduced = spec.preprocessing.reduced(picture)
            assert reduced.width <= picture.width
            assert (spec.preprocessing.pixels(reduced) == spec.preprocessing.pixels(picture)).all()


def test_files_are_read_no_further_ahead_than_needed(folder):
    taken = 0

    def files():
        nonlocal taken
        while True:
            taken += 1
            yield PictureFile("a.png", str(folder / "a.png"))

    running = engine.rows(files(), CHECKED[:1], batch_size=4, workers=2)
    for _ in islice(running, 40):
        assert taken <= 40 + 4 * 4
    running.close()


def test_closing_the_generator_stops_the_work(folder, constant_networks):
    running = engine.rows((PictureFile("a.png", str(folder / "a.png")) for _ in range(10_000)), CHECKED, batch_size=2)
    next(running)
    running.close()
    calls = len(constant_networks)
    assert calls < 40
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batch")]
    assert len(constant_networks) == calls


def test_a_picture_that_is_gone_or_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 1000)
    (tmp_path / "large.png").write_bytes(bytes(1001))
    files = [PictureFile(name, str(tmp_path / name)) for name in ("gone.png", "large.png")]
    gone, large = engine.rows(files, CHECKED)
    assert "gone.png, which is not there" in gone.error
    assert "large.png, which has more" in large.error
    assert (gone.sha256, large.sha256) == ("", "")


def test_models_that_cannot_be_used(own_weights):
    assert [name for name, _ in engine.check([*TWO, TWO[0]])] == TWO
    (own_weights / "ham_cnn28.weights.h5").unlink()
    with pytest.raises(SkinModelError, match="are missing"):
        engine.check(TWO)
    with pytest.raises(SkinModelError, match="one of kaggle"):
        engine.check(["nonsense"])


# Files of rows

AWKWARD = ["=cmd()|'A1'.png", "+1.png", "-1.png", "@x.png", ' =2,"3".png', "NA", "a;b,c\"d'e.png", "Läsion 🔬.png"]


def awkward() -> list[Row]:
    answers = []
    for i, name in enumerate(AWKWARD):
        if i == 3:
            answers.append(Row(name, "0" * 64, versions=versions(), error='Expected a picture. Received: "x", cut off.'))
            continue
        for model, digest in CHECKED:
            codes = MODELS[model].labels
            shares = dict(zip(codes, np.random.default_rng(i).dirichlet(np.ones(len(codes))).round(6).tolist(), strict=True))
            conformal = None if model == TWO[0] else tuple(codes[: i % 3])
            answers.append(Row(name, "1" * 64, model, digest, shares, 0.25, conformal, versions()))
    return answers


@pytest.mark.parametrize("suffix", rows.SUFFIXES)
def test_rows_are_read_back_as_they_were_written(suffix, tmp_path):
    path = tmp_path / f"rows{suffix}"
    path.write_text("".join(rows.text(awkward(), TWO, suffix)), encoding="utf-8")
    assert list(read(path)) == awkward()
    with Results(tmp_path / f"again{suffix}", CHECKED) as results:
        results.write(awkward())
    assert (tmp_path / f"again{suffix}").read_bytes() == path.read_bytes()


def test_csv_is_read_by_pandas_and_holds_no_formula(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("".join(rows.text(awkward(), TWO, ".csv")), encoding="utf-8")
    table = pd.read_csv(path, keep_default_na=False, na_values={name: [""] for name in ("malignancy", "p_mel", "p_benign")})
    assert len(table) == len(awkward())
    assert not table["file"].str.lstrip().str.startswith(("=", "+", "-", "@")).any()
    assert [name.removeprefix("./") for name in table["file"]] == [row.file for row in awkward()]
    assert list(table.columns) == rows.columns(TWO)
    good = [row for row in awkward() if row.model == "ham_cnn28"]
    assert table["p_mel"].dropna().tolist() == pytest.approx([row.probabilities["mel"] for row in good])
    assert table["p_benign"].notna().sum() == len(good)
    assert table["malignancy"].isna().sum() == 1
    assert (table["versions"].str.contains(f"numpy {np.__version__}")).all()


def test_probabilities_have_six_digits():
    row = Row("a.png", "1" * 64, "kaggle_cnn_small", "f" * 64, {"benign": 0.12345649, "malignant": 0.87654351}, 0.87654351)
    expected = {"benign": 0.123456, "malignant": 0.876544}
    for suffix in rows.SUFFIXES:
        written = "".join(rows.text([row], TWO, suffix))
        assert "0.123456" in written
        assert "0.1234564" not in written
    assert (rows.as_json(row)["probabilities"], rows.as_json(row)["malignancy"]) == (expected, 0.876544)


def test_json_is_an_array(tmp_path):
    for answers in (awkward(), []):
        assert json.loads("".join(rows.text(answers, TWO, ".json"))) == [rows.as_json(row) for row in answers]
    assert rows.as_json(awkward()[0])["top"] in MODELS[TWO[0]].labels


@pytest.mark.parametrize("suffix", rows.SUFFIXES)
def test_a_file_cut_off_anywhere_is_gone_on_from(suffix, folder, tmp_path):
    path = tmp_path / f"rows{suffix}"
    with Results(path, CHECKED) as results:
        results.write(engine.rows(found([folder]), CHECKED))
    whole = path.read_bytes()
    for cut in sorted({0, 1, 20, *range(0, len(whole), 97), len(whole) - 2, len(whole) - 1, len(whole)}):
        path.write_bytes(whole[:cut])
        with Results(path, CHECKED) as results:
            left = [file for file in found([folder]) if file.name not in results.done]
            assert len(left) + len(results.done) == len(NAMES)
            for row in engine.rows(left, CHECKED):
                results.write([row])
        assert path.read_bytes() == whole, cut


@pytest.mark.parametrize("suffix", rows.SUFFIXES)
def test_results_of_other_models_or_weights_are_refused_and_left_alone(suffix, tmp_path):
    path = tmp_path / f"rows{suffix}"
    with Results(path, CHECKED) as results:
        results.write(awkward())
    whole = path.read_bytes()
    other_weights = [(name, "f" * 64) for name in TWO]
    for models in (CHECKED[:1], CHECKED[::-1], other_weights, [*CHECKED, ("isic_mobilenet", "i" * 64)]):
        with pytest.raises(SkinModelError, match="name another file"):
            Results(path, models)
        assert path.read_bytes() == whole


def test_one_more_model_of_the_same_labels_is_refused(tmp_path):
    path = tmp_path / "rows.csv"
    with Results(path, CHECKED[:1]) as results:
        results.write(row for row in awkward() if row.model in ("", TWO[0]))
    with pytest.raises(SkinModelError, match="name another file"):
        Results(path, [CHECKED[0], ("kaggle_cnn_large", "l" * 64)])


@pytest.mark.parametrize("content", [b"name,label\nx,y\n", b"\x89PNG\r\n\x1a\n", b'{"a": 1}\n', b"[1, 2]\n"])
@pytest.mark.parametrize("suffix", rows.SUFFIXES)
def test_files_of_something_else_are_left_alone(suffix, content, tmp_path):
    path = tmp_path / f"mine{suffix}"
    path.write_bytes(content)
    with pytest.raises(SkinModelError, match="holds something else"):
        Results(path, CHECKED)
    assert path.read_bytes() == content


def test_output_names(tmp_path):
    with pytest.raises(SkinModelError, match=r"ending in \.csv"):
        Results(tmp_path / "rows.xlsx", CHECKED)
    with pytest.raises(SkinModelError, match="can be written"):
        Results(tmp_path / "nowhere" / "rows.csv", CHECKED)
    with pytest.raises(SkinModelError, match="cannot be read"):
        list(read(tmp_path / "rows.csv"))


# Figures


def labels_file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_figures_agree_with_scikit_learn(tmp_path):
    from sklearn import metrics as sk

    random = np.random.default_rng(0)
    codes = MODELS["ham_cnn28"].labels
    probabilities = random.dirichlet(np.ones(7), 200)
    truth = random.integers(7, size=200)
    answers = [
        Row(f"deep/{i}.jpg", model="ham_cnn28", probabilities=dict(zip(codes, map(float, p), strict=True)))
        for i, p in enumerate(probabilities)
    ]
    listed = "".join(f"{i},{codes[label]}\n" for i, label in enumerate(truth))
    labels = figures.Labels(labels_file(tmp_path / "labels.csv", f"file,label\n{listed}"))
    (its,) = figures.figures(answers, ["ham_cnn28"], labels)
    predicted = probabilities.argmax(axis=1)
    assert its.n == 200
    assert its.accuracy == pytest.approx(sk.accuracy_score(truth, predicted))
    assert its.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(truth, predicted))
    assert its.auc == pytest.approx(sk.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro"))
    assert its.confusion_matrix == sk.confusion_matrix(truth, predicted).tolist()
    assert figures.lines(its) == []


def test_figures_say_what_was_left_out(tmp_path):
    shares = {"benign": 0.75, "malignant": 0.25}
    answers = [Row(name, model=TWO[0], probabilities=shares) for name in ("=a.png", "b.png", "sub/c.png", "d.png", "e.png")]
    answers.append(Row("bad.png", error="Expected a picture."))
    text = "\ufeffFile;Label;age\n./=a.png;benign;3\nb.png;malignant;\nc;benign;\nd.png;mel;\nbad.png;benign;\nunused;benign;\n"
    labels = figures.Labels(labels_file(tmp_path / "labels.csv", text))
    (its,) = figures.figures(answers, TWO[:1], labels)
    assert (its.n, its.accuracy, its.balanced_accuracy, its.auc) == (3, pytest.approx(2 / 3), 0.5, 0.5)
    assert its.confusion_matrix == [[2, 0], [1, 0]]
    assert (its.unknown, its.unlabelled, its.unread) == ({"mel": 1}, 1, 1)
    assert "mel (1)" in figures.lines(its)[0]
    (nothing,) = figures.figures([], TWO[:1], labels)
    assert (nothing.n, nothing.accuracy, nothing.auc) == (0, None, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("picture,truth\na,b\n", "columns file and label"),
        ("", "columns file and label"),
        ("file,label\n", "at least one row"),
        ("file,label\na,mel\na,nv\n", "one label for each file"),
    ],
)
def test_label_files_that_cannot_be_used(text, words, tmp_path):
    with pytest.raises(SkinModelError, match=words):
        figures.Labels(labels_file(tmp_path / "labels.csv", text))


def test_a_label_file_of_another_kind(tmp_path):
    path = tmp_path / "labels.csv"
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20)).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    with pytest.raises(SkinModelError, match="UTF-8"):
        figures.Labels(path)


# Ray


def test_ray_is_pinned_and_no_part_of_what_the_page_needs():
    lines = (ROOT / "requirements-ray.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert any(line.startswith("ray[data]==") for line in pins)
    assert all(re.fullmatch(r"[a-z\[\]]+==[0-9.]+", line) for line in pins)
    assert not re.search(r"^ray\b", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert "pip install -r requirements-ray.txt" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_without_ray_one_sentence_says_so(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(engine_ray.importlib, "import_module", missing)
    with pytest.raises(SkinModelError, match=r"requirements-ray\.txt"):
        list(engine_ray.rows([], CHECKED))
