"""The command that trains everything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from skinmodels import weights
from skinmodels.registry import MODELS
from training import reproduce as everything
from training.baselines import BASELINES
from training.data import datasets
from training.fitting.recipes import RECIPES

REFERENCE = "ham_reference"


@pytest.fixture(autouse=True)
def every_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "find_sets", lambda paths: {key: [] for key in datasets.LOADERS})


@pytest.fixture
def nothing_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture
def pretrained(tmp_path: Path) -> Path:
    for start in everything.STARTS.values():
        if start.file:
            (tmp_path / start.file).touch()
    return tmp_path


def told(capsys: pytest.CaptureFixture, *arguments: str) -> list[list[str]]:
    """The commands that it lists, without "python -m"."""
    assert everything.main(["--data", "D", "--list", *arguments]) == 0
    return [line.split()[2:] for line in capsys.readouterr().out.splitlines()]


def test_every_network_and_baseline_in_order(nothing_published: None, pretrained: Path, capsys) -> None:
    commands = told(capsys, "--pretrained", str(pretrained))
    modules = [command[0] for command in commands]
    trained = [command[1] for command in commands if command[0] == "training.train"]
    assert sorted(set(trained)) == sorted(MODELS)
    assert [command[1] for command in commands if command[0] == "training.publish"] == list(dict.fromkeys(trained))
    assert [command[1] for command in commands if command[0] == "training.baselines"] == list(BASELINES)
    # Baselines see what our reference has learnt, and tables tell of everything.
    assert modules.index("training.baselines") == 2 * len([spec for spec in MODELS.values() if spec.paper is None])
    assert modules[-4:] == ["training.latency", "training.optimisers", "training.tables", "training.cards"]
    published = next(command for command in commands if command[:2] == ["training.publish", "ham_cnn28"])
    assert "--random-run" in published
    for command in commands:
        if "--start" in command:
            assert Path(command[command.index("--start") + 1]).is_file()


def test_published_networks_are_left_alone(pretrained: Path, weights_folder: Path, capsys) -> None:
    for command in told(capsys, "--pretrained", str(pretrained)):
        if command[0] in ("training.train", "training.baselines"):
            assert not (weights_folder / f"{command[1]}.json").exists()


def test_a_run_begun_goes_on_and_a_failure_ends_it(
    nothing_published: None, pretrained: Path, tmp_path, monkeypatch, capsys
) -> None:
    given = ["--pretrained", str(pretrained), "--out", str(tmp_path / "runs"), "--epochs", "2"]
    first = next(command for command in told(capsys, *given) if command[0] == "training.train")
    assert "--resume" not in first
    assert first[first.index("--epochs") + 1] == "2"
    (tmp_path / "runs" / first[1]).mkdir(parents=True)
    (tmp_path / "runs" / first[1] / "state.json").write_text("{}")
    (tmp_path / "runs" / first[1] / "config.json").write_text('{"precision": "mixed_bfloat16"}')
    calls: list[list[str]] = []

    def call(command: list[str]) -> int:
        calls.append(command)
        return 3 if "training.train" in command else 0

    monkeypatch.setattr(subprocess, "call", call)
    assert everything.main(["--data", "D", *given]) == 3
    assert [command[2:4] for command in calls if "training.train" in command] == [["training.train", first[1]]]
    assert "--resume" in calls[-1]
    assert calls[-1][-2:] == ["--precision", "mixed_bfloat16"]


def test_precision_is_handed_on(nothing_published: None, pretrained: Path, capsys) -> None:
    for command in told(capsys, "--pretrained", str(pretrained), "--precision", "mixed_bfloat16"):
        trains = command[0] in ("training.train", "training.optimisers")
        assert ("--precision" in command) == trains


def test_epochs_shorten_both_parts_of_a_recipe(nothing_published: None, pretrained: Path, capsys) -> None:
    commands = told(capsys, "--pretrained", str(pretrained), "--epochs", "12")
    shorter = {command[1] for command in commands if command[0] == "training.train" and "--epochs" in command}
    assert shorter == {
        name for name, recipe in RECIPES.items() if max(recipe.epochs, recipe.first.epochs if recipe.first else 0) > 12
    }


def test_starting_weights_are_found_beside_the_pictures(nothing_published: None, pretrained: Path, capsys) -> None:
    commands = told(capsys, "--data", str(pretrained))
    starts = {command[command.index("--start") + 1] for command in commands if "--start" in command}
    layers = {recipe.start for recipe in RECIPES.values() if recipe.start}
    assert starts == {str(pretrained / everything.STARTS[layer].file) for layer in layers}


def test_features_of_another_reference_are_measured_anew(nothing_published: None, pretrained, monkeypatch, capsys) -> None:
    monkeypatch.setattr(everything, "_published", lambda name: name == REFERENCE)
    name, files = "ham_svm_features", weights.folder()
    start = {"schema_version": 1, "labels": []}
    reference = start | {"name": REFERENCE, "sha256": "new"}
    (files / f"{REFERENCE}.json").write_text(json.dumps(reference), encoding="utf-8")
    for digest, anew in (("new", False), ("old", True)):
        record = start | {"name": name, "training": {"configuration": {"reference_sha256": digest}}}
        (files / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
        assert (["training.baselines", name, "--data", "D"] in told(capsys, "--pretrained", str(pretrained))) == anew


def test_what_cannot_be_trained_is_named_and_the_rest_goes_on(nothing_published: None, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(datasets, "find_sets", lambda paths: {"ham10000": []})
    assert everything.main(["--data", "D", "--list"]) == 1
    said = capsys.readouterr()
    assert (
        "Expected Kaggle, Skin Cancer: Malignant vs. Benign for kaggle_cnn_large under --data. Received: ham10000" in said.err
    )
    assert "training.train ham_cnn28" in said.out
    assert "training.train kaggle_cnn_large" not in said.out
    assert "training.tables" not in said.out
    assert "training.baselines ham_svm " in said.out
    assert "training.baselines siim_border" not in said.out
    assert "Tables and cards are written once nothing is missing." in said.err


def test_the_old_command_says_the_new_one() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training.all", "--help"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stderr == "python -m training.all is now python -m training.reproduce.\n"
    assert "python -m training.reproduce" in done.stdout
