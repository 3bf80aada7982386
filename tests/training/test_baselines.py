"""The classical baselines on drawn pictures: fitted, measured, and recorded like a network."""

from __future__ import annotations

from pathlib import Path

import drawn_data
import numpy as np
import pytest

from skinmodels import metrics, weights
from training import baselines, figures
from training.baselines import BASELINES, Answering, fitted, main, publish, statistics
from training.evaluation import figures as computed_figures
from training.evaluation import record_files


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are tested elsewhere and take most of the time; a few trees tell drawn colours apart."""
    monkeypatch.setattr(metrics, "RESAMPLES", 20)
    for kind, fewer in {
        "random_forest": {"n_estimators": 20},
        "xgboost": {"n_estimators": 5},
        "boosting": {"max_iter": 10},
    }.items():
        monkeypatch.setitem(baselines.SETTINGS, kind, baselines.SETTINGS[kind] | fewer)


@pytest.mark.parametrize("name", ["ham_random_forest", "siim_border"])
def test_record_is_that_of_a_network_without_weights(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    spec = BASELINES[name].spec
    data = tmp_path / "data"
    made = drawn_data.ham10000(data) if name.startswith("ham") else drawn_data.melanoma(data, per_class=60)
    record = publish(name, [str(made)])
    assert weights.read_record(name) == record
    assert [its.name for its in weights.baselines()] == [name]
    assert record.split.n["test"] == record.held_out.n
    assert (record.held_out.accuracy or 0) > 1.5 / len(spec.labels), "drawn classes differ in colour"
    again = computed_figures.computed(spec.labels, record_files.read_tables(name))
    assert not list(figures.moved(again, computed_figures.recorded(record)))
    suffixes = ("calibration.csv", "external.csv", "json", "test.csv")
    assert sorted(file.name for file in weights.folder().iterdir()) == [f"{name}.{suffix}" for suffix in suffixes]


@pytest.mark.parametrize("kind", ["random_forest", "xgboost", "svm", "boosting"])
def test_every_estimator_learns_and_gives_probabilities(kind: str) -> None:
    random = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 30)
    values = truth[:, None] + random.normal(0, 0.3, (90, 6))
    groups = [f"lesion {i // 2}" for i in range(90)]
    estimator = fitted(kind, values, truth, groups)
    shares = estimator.predict_proba(values)
    assert shares.shape == (90, 3)
    assert shares.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (shares.argmax(axis=1) == truth).mean() > 0.9
    assert fitted(kind, values, truth, groups).predict_proba(values) == pytest.approx(shares, abs=1e-6)


def test_binary_answers_are_those_of_one_unit() -> None:
    class Sure:
        def predict_proba(self, values: np.ndarray) -> np.ndarray:
            return np.tile([0.25, 0.75], (len(values), 1))

    pictures = np.zeros((3, 4, 4, 3))

    def sees(values: np.ndarray) -> np.ndarray:
        return values.reshape(len(values), -1)

    assert Answering(Sure(), sees, binary=True).predict_on_batch(pictures).tolist() == [[0.75]] * 3
    assert Answering(Sure(), sees, binary=False).predict_on_batch(pictures).shape == (3, 2)


def test_border_sees_the_border_alone_and_colour_no_place() -> None:
    pictures = np.random.default_rng(0).random((2, 40, 60, 3))
    other = pictures.copy()
    other[:, 2:-2, 3:-3] = 0
    assert (statistics(pictures, "border") == statistics(other, "border")).all()
    assert (statistics(pictures, "colour") != statistics(other, "colour")).any()
    shuffled = pictures[:, ::-1, ::-1]
    assert statistics(pictures, "colour") == pytest.approx(statistics(shuffled, "colour"))
    assert statistics(pictures, "border").shape == (2, 33)
    assert statistics(pictures, "colour")[:, :3] == pytest.approx(pictures.mean(axis=(1, 2)))


def test_mistakes_are_one_sentence(tmp_path: Path, capsys) -> None:
    drawn_data.kaggle(tmp_path / "kaggle", 6)
    assert main(["ham_random_forest", "--data", str(tmp_path / "kaggle")]) == 1
    assert main(["ham_nearest", "--data", str(tmp_path)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("Expected HAM10000 for ham_random_forest. Received:")
    assert second.startswith("Expected names of ham_random_forest")
