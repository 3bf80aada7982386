"""The comparison of optimisers, on a network small enough to train here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import drawn_data
import keras
import pytest

from skinmodels import record_text, weights
from skinmodels.records import OptimiserComparison, Record
from skinmodels.registry import MODELS
from skinmodels.report import card_making
from skinmodels.spec import Preprocessing
from training import optimisers
from training.fitting.runs import RunFolder, read_json

SIDE = 32


def build() -> keras.Model:
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), keras.layers.Conv2D(4, 3, activation="relu")])
    model.add(keras.layers.GlobalAveragePooling2D())
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    return model


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path, str]:
    """What two epochs of two steps leave: the JSON, the folder of runs, what was printed."""
    folder = tmp_path_factory.mktemp("compared")
    spec = replace(MODELS[optimisers.NAME], build=build, preprocessing=Preprocessing((SIDE, SIDE), (SIDE, SIDE), "0..1"))
    data, out = drawn_data.melanoma(folder / "data", per_class=40), folder / "runs"
    command = ["--data", str(data), "--epochs", "2", "--steps", "2", "--out", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, optimisers.NAME, spec)
        patch.setenv("SKINMODELS_WEIGHTS", str(folder / "weights"))
        assert optimisers.main(command) == 0
        text = weights.optimisers_path(optimisers.NAME).read_text()
        # What is done is not done again.
        epochs = {name: RunFolder(out / name).state().epoch for name in optimisers.OPTIMISERS}
        assert optimisers.main(command) == 0
        assert {name: RunFolder(out / name).state().epoch for name in optimisers.OPTIMISERS} == epochs
        assert weights.optimisers_path(optimisers.NAME).read_text() == text
    return json.loads(text), out, text


def test_all_three_train_alike_but_for_the_optimiser(compared) -> None:
    found, out, _ = compared
    configs = {name: read_json(out / name / "config.json") for name in optimisers.OPTIMISERS}
    alike = [
        {key: value for key, value in its["recipe"].items() if key not in ("optimizer", "momentum")} for its in configs.values()
    ]
    assert alike[0] == alike[1] == alike[2]
    assert {name: its["recipe"]["optimizer"] for name, its in configs.items()} == {name: name for name in optimisers.OPTIMISERS}
    assert len({its["seed"] for its in configs.values()}) == 1
    assert len({(out / name / "split.csv").read_text() for name in configs}) == 1
    assert (found["epochs"], found["steps"], found["seed"]) == (2, 2, 0)
    assert found["momentum"] == {"adam": 0, "rmsprop": 0, "sgd": 0.9}


def test_curves_are_those_of_the_runs(compared) -> None:
    found, out, _ = compared
    for name, its in found["optimisers"].items():
        history = RunFolder(out / name).state().history
        assert [row["epoch"] for row in its["history"]] == [1, 2]
        for row, run in zip(its["history"], history, strict=True):
            assert {metric: row[metric] for metric in optimisers.METRICS} == pytest.approx(
                {metric: run[metric] for metric in optimisers.METRICS}, abs=1e-6
            )
    assert (out / "optimisers.png").read_bytes().startswith(b"\x89PNG")
    comparison = record_text.of(OptimiserComparison, found)
    lines = optimisers.table(comparison).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["Adam", "RMSprop", "SGD"]
    assert f"{found['optimisers']['sgd']['history'][-1]['val_auc']:.4f}" in lines[3]


def test_the_card_shows_them(compared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(tmp_path))
    spec = MODELS[optimisers.NAME]
    record = Record(schema_version=1, name=spec.name, labels=list(spec.labels))
    assert card_making.optimisers(spec, record) == ""
    weights.optimisers_path(spec.name).write_text("not JSON")
    assert f"expected a JSON object in {spec.name}.optimisers.json" in card_making.optimisers(spec, record)
    found, _, text = compared
    weights.optimisers_path(spec.name).write_text(text)
    shown = card_making.optimisers(spec, record)
    assert "Optimisers compared" in shown
    for name, its in found["optimisers"].items():
        assert f'<th scope="row">{optimisers.OPTIMISERS[name]}</th><td>{its["history"][-1]["loss"]:.3f}</td>' in shown
    assert shown.count("<svg") == 2
    assert found["command"] in shown
    assert card_making.optimisers(MODELS["siim_cnn_v1"], record) == ""


def test_no_data_is_one_sentence(tmp_path: Path, capsys) -> None:
    assert optimisers.main(["--data", str(tmp_path / "nowhere"), "--out", str(tmp_path / "runs")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Expected")
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_what_is_committed_is_a_whole_comparison(weights_folder: Path) -> None:
    found = json.loads((weights_folder / f"{optimisers.NAME}.optimisers.json").read_text())
    assert list(found["optimisers"]) == list(optimisers.OPTIMISERS)
    for its in found["optimisers"].values():
        assert [row["epoch"] for row in its["history"]] == list(range(1, found["epochs"] + 1))
        assert all(set(row) == {"epoch", *optimisers.METRICS} for row in its["history"])
    assert (found["name"], found["seed"], found["split"]["seed"]) == (optimisers.NAME, 0, 0)
    assert found["steps"] * found["batch_size"] == 1000
