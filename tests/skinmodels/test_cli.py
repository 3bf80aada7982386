"""``python -m skinmodels``: in this process where a network's answer does not matter, in its own where it does."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from PIL import Image

from skinmodels import cli, inference, weights
from skinmodels.inference import Prediction
from skinmodels.registry import MODELS

MODEL = "ham_cnn28"


def run(*arguments: str | Path, weights_folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=300, check=False, **place(weights_folder)
    )


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "skinmodels", *map(str, arguments)]


def place(weights_folder: Path) -> dict:
    return {"cwd": ROOT, "env": os.environ | {"SKINMODELS_WEIGHTS": str(weights_folder)}}


@pytest.fixture
def constant_networks(monkeypatch):
    def answer(name, pictures):
        spec = MODELS[name]
        probabilities = {code: 1 / len(spec.labels) for code in spec.labels}
        return [Prediction(name, probabilities, spec.preprocessing.picture(picture), 0.001) for picture in pictures]

    monkeypatch.setattr(inference, "predict_batch", answer)


@pytest.fixture
def folder(tmp_path, drawn) -> Path:
    """Three good pictures and a bad one."""
    root = tmp_path / "pictures"
    root.mkdir()
    for seed, name in enumerate(("a.png", "b.jpg", "d.webp")):
        drawn(seed).save(root / name)
    (root / "c.jpg").write_text("no picture")
    return root


def test_models(capsys):
    assert cli.main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(MODELS)
    for line, spec in zip(lines[1:], MODELS.values(), strict=True):
        assert line.startswith(spec.name)
        assert spec.title in line
        assert f"{weights.read_record(spec.name).held_out.accuracy:.3f}" in line


def test_models_as_json(capsys, own_weights):
    (own_weights / f"{MODEL}.weights.h5").unlink()
    assert cli.main(["models", "--json"]) == 0
    described = {its["name"]: its for its in json.loads(capsys.readouterr().out)}
    assert list(described) == list(MODELS)
    assert "are missing" in described[MODEL]["error"]
    for name, its in described.items():
        assert tuple(its["labels"]) == MODELS[name].labels
        if name != MODEL:
            assert its["weights_sha256"] == weights.read_record(name).sha256
            assert its["test"]["accuracy"] == weights.read_record(name).held_out.accuracy


def test_listing_models_imports_no_keras(weights_folder):
    script = (
        "import sys; from skinmodels import cli; cli.main(['models'])\n"
        "assert not {'keras', 'tensorflow', 'gradio'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=120, check=True, **place(weights_folder))


def test_predict(folder, weights_folder, monkeypatch):
    got = run(
        "predict",
        folder / "a.png",
        folder / "c.jpg",
        "--model",
        MODEL,
        "kaggle_cnn_small",
        "--json",
        weights_folder=weights_folder,
    )
    assert got.returncode == 1
    # What TensorFlow itself says of the processor and of CUDA while it is imported is not ours to silence.
    assert "WARNING:tensorflow" not in got.stderr
    first, second, bad = json.loads(got.stdout)
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(weights_folder))
    for row, name in ((first, MODEL), (second, "kaggle_cnn_small")):
        expected = inference.predict(name, Image.open(folder / "a.png").convert("RGB"))
        assert row["model"] == name
        assert row["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
        assert row["malignancy"] == pytest.approx(expected.malignancy, abs=1e-6)
        assert row["weights_sha256"] == weights.read_record(name).sha256
    assert "c.jpg, which is none of these" in bad["error"]


def test_predict_for_people_and_as_csv(folder, constant_networks, capsys):
    assert cli.main(["predict", str(folder / "a.png"), str(folder / "gone.png"), "--model", MODEL]) == 1
    printed = capsys.readouterr()
    assert "akiec 0.143" in printed.out
    assert "malignancy 0.429" in printed.out
    assert printed.err.strip() == "Expected a picture file. Received: gone.png, which is not there (any more)."
    assert cli.main(["predict", str(folder / "a.png"), "--model", MODEL, "--model", "kaggle_cnn_small", "--csv"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert table["model"].tolist() == [MODEL, "kaggle_cnn_small"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "a.png", "--model", "nonsense"], "Expected a model name"),
        (["batch", "nowhere", "--out", "rows.csv"], "not there"),
        (["batch", ".", "--out", "rows.xlsx"], "ending in .csv"),
        (["batch", ".", "--out", "rows.csv", "--labels", "gone.csv"], "CSV of labels"),
    ],
)
def test_mistakes_are_one_sentence(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert len(printed.err.splitlines()) == 1


class Terminal(io.StringIO):
    """Takes what is written to a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("kind", "lines"), [(Terminal, True), (io.StringIO, False)])
def test_a_batch_tells_how_far_it_is_on_a_terminal_alone(kind, lines, monkeypatch):
    shown = kind()
    monkeypatch.setattr(cli.sys, "stderr", shown)
    progress = cli._Progress()
    monkeypatch.setattr(progress._line, "mininterval", 0, raising=False)  # a line left out has none
    for bad in (False, True, False):
        progress.count(bad)
    assert ("2 pictures" in shown.getvalue() and "1 could not be read" in shown.getvalue()) == lines
    progress.end()
    last = shown.getvalue().splitlines()[-1]
    assert last.rpartition("\r")[2].startswith("3 pictures, 1 could not be read, ")


def test_batch_goes_on_where_it_stopped(folder, tmp_path, constant_networks, capsys, monkeypatch):
    out = tmp_path / "rows.csv"
    arguments = ["batch", str(folder), "--out", str(out), "--model", MODEL, "--batch-size", "1", "--workers", "1"]
    assert cli.main(arguments) == 0
    whole = out.read_bytes()
    assert "4 pictures, 1 could not be read" in capsys.readouterr().err

    out.write_bytes(whole[:-30])
    answer, asked = inference.predict_batch, []

    def counted(name, pictures):
        asked.append(name)
        return answer(name, pictures)

    monkeypatch.setattr(inference, "predict_batch", counted)
    assert cli.main(arguments) == 0
    assert out.read_bytes() == whole
    assert len(asked) == 1
    assert "has the rows of 3 pictures already" in capsys.readouterr().err
    assert cli.main([*arguments[:-5], "kaggle_cnn_small"]) == 1
    assert "name another file" in capsys.readouterr().err
    assert out.read_bytes() == whole


def test_ctrl_c_leaves_a_file_to_go_on_from(folder, tmp_path, constant_networks, capsys, monkeypatch):
    out = tmp_path / "rows.json"
    arguments = ["batch", str(folder), "--out", str(out), "--model", MODEL, "--batch-size", "1", "--workers", "1"]
    count = cli._Progress.count

    def interrupted(self, bad):
        count(self, bad)
        if self.pictures == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(cli._Progress, "count", interrupted)
    assert cli.main(arguments) == 130
    assert [row["file"] for row in json.loads(out.read_text())] == ["a.png", "b.jpg"]
    assert "goes on from here" in capsys.readouterr().err
    monkeypatch.setattr(cli._Progress, "count", count)
    assert cli.main(arguments) == 0
    assert [row["file"] for row in json.loads(out.read_text())] == ["a.png", "b.jpg", "c.jpg", "d.webp"]


def test_batch_with_labels(folder, tmp_path, constant_networks, capsys):
    labels = tmp_path / "labels.csv"
    labels.write_text("file,label\na,akiec\nb.jpg,mel\nd.webp,MEL\n")
    out = tmp_path / "rows.jsonl"
    assert cli.main(["batch", str(folder), "--out", str(out), "--model", MODEL, "--labels", str(labels)]) == 0
    assert "accuracy           0.5000" in capsys.readouterr().out
    (figures,) = json.loads((tmp_path / "rows.figures.json").read_text())
    assert (figures["n"], figures["accuracy"], figures["unknown"]) == (2, 0.5, {"MEL": 1})


def test_killed_and_started_again(weights_folder, tmp_path, monkeypatch):
    """The same file comes out as from one run, whatever moment a signal meets."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (300, 300, 300, 3), dtype=np.uint8)
    for i, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / f"{i:04}.jpg")
    out, whole = tmp_path / "rows.csv", tmp_path / "whole.csv"
    arguments = ["--model", MODEL, "--batch-size", "2"]
    process = subprocess.Popen(
        command("batch", folder, "--out", out, *arguments), **place(weights_folder), stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and (not out.exists() or out.stat().st_size < 20_000):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = out.read_bytes()
    assert len(killed.splitlines()) < 300
    got = run("batch", folder, "--out", out, *arguments, weights_folder=weights_folder)
    assert got.returncode == 0, got.stderr
    assert "already" in got.stderr
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(weights_folder))
    assert cli.main(["batch", str(folder), "--out", str(whole), *arguments]) == 0
    one, other = pd.read_csv(out), pd.read_csv(whole)
    assert len(one) == 300
    assert one["file"].tolist() == other["file"].tolist()
    assert np.abs(one.filter(like="p_") - other.filter(like="p_")).max().max() < 2.5e-6


def test_ray_gives_the_rows_of_the_plain_engine(folder, weights_folder, tmp_path, monkeypatch):
    """Two workers of this machine, on a folder and an archive."""
    pytest.importorskip("ray", reason="Ray is not installed (requirements-ray.txt)")
    archive = shutil.make_archive(str(tmp_path / "pictures"), "zip", folder)
    arguments = ["batch", str(folder), archive, "--model", MODEL, "kaggle_cnn_small", "--batch-size", "2"]
    got = run(*arguments, "--out", tmp_path / "ray.csv", "--engine", "ray", "--workers", "2", weights_folder=weights_folder)
    assert got.returncode == 0, got.stderr
    assert "8 pictures, 2 could not be read" in got.stderr
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(weights_folder))
    assert cli.main([*arguments, "--out", str(tmp_path / "plain.csv")]) == 0
    plain, ray = (pd.read_csv(tmp_path / f"{engine}.csv") for engine in ("plain", "ray"))
    shares = [name for name in plain.columns if name.startswith("p_") or name == "malignancy"]
    assert np.nanmax(np.abs(plain[shares].to_numpy() - ray[shares].to_numpy())) < 2.5e-6
    pd.testing.assert_frame_equal(plain.drop(columns=shares), ray.drop(columns=shares))
