"""What is published: counts, labels, hashes, records, and every figure computed again from the probabilities beside it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from skinmodels import weights
from skinmodels.registry import MODELS
from skinmodels.sources import DATASETS
from training.baselines import BASELINES
from training.data.datasets import LOADERS
from training.evaluation import figures, record_files

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT / "weights"

# The contracts: parameters and labels as the papers' tables give them, typed a second time on purpose.
_HAM, _ISIC = "akiec bcc bkl df mel nv vasc", "AK BCC BKL MEL NV SCC"
CONTRACTS = {
    "kaggle_cnn_large": (6_427_745, "benign malignant", (224, 224), "0..1"),
    "kaggle_cnn_small": (2_797_665, "benign malignant", (224, 224), "0..1"),
    "ham_reference": (4_533_902, _HAM, (192, 192), "-1..1"),
    "ham_cnn28": (3_649_831, _HAM, (28, 28), "0..1"),
    "ham_resnet50": (24_072_403, _HAM, (224, 224), "imagenet, equalised"),
    # The paper's 512 pixels do not fit; it ends in a global pool.
    "ham_cnn512": (3_348_359, _HAM, (128, 128), "0..1, equalised"),
    "ham_vgg16": (14_847_815, _HAM, (224, 224), "imagenet, equalised"),
    "siim_cnn_v2": (14_714_753, "benign malignant", (500, 500), "0..1"),
    "siim_cnn_v1": (11_354_369, "benign malignant", (500, 500), "0..1"),
    "siim_cnn_v3": (10_535_809, "benign malignant", (500, 500), "0..1"),
    "isic_mobilenet": (2_265_670, _ISIC, (64, 64), "-1..1"),
    "isic_resnet50": (24_072_146, _ISIC, (64, 64), "imagenet"),
    "isic_alexnet": (24_751_494, _ISIC, (64, 64), "0..1"),
}
KEYS = {
    "name": str,
    "source": str,
    "sha256": str,
    "params": int,
    "file_bytes": int,
    "labels": list,
    "split": dict,
    "training": dict,
    "history": list,
    "test": dict,
    "test_clean": dict,
    "calibration": dict,
    "conformal": dict,
    "operating_points": dict,
    "subgroups": dict,
    "external": dict,
    "latency": dict,
}
# What the published weights hold on the test part, whole and clean, at least.
REACHED: dict[str, dict[str, float]] = {
    "ham_reference": {"balanced_accuracy": 0.75, "macro_auc": 0.95},
    "ham_resnet50": {"balanced_accuracy": 0.62},
    "ham_cnn512": {"balanced_accuracy": 0.50},
    "siim_cnn_v2": {"macro_auc": 0.93},
}
TRAINING_KEYS = {"command", "configuration", "deviations", "schedule", "epochs", "versions", "date"}
BLOCK_KEYS = (
    *("n", "accuracy", "balanced_accuracy", "macro_f1", "weighted_precision", "weighted_f1", "macro_auc", "ece", "per_class"),
    *("confusion_matrix", "intervals", "roc", "reliability"),
)
BINARY_KEYS = {"sensitivity", "specificity", "auc"}


def test_every_model_has_a_contract_and_a_data_set() -> None:
    assert list(MODELS) == list(CONTRACTS)
    assert all(DATASETS[spec.dataset.key] is spec.dataset and spec.name == name for name, spec in MODELS.items())
    assert all((PUBLISHED / f"{name}.weights.h5").exists() for name in MODELS)


@pytest.mark.parametrize("name", list(CONTRACTS))
def test_architecture(name: str) -> None:
    spec, (params, labels, size, scaling) = MODELS[name], CONTRACTS[name]
    model = spec.build()
    assert model.count_params() == spec.params == params
    assert spec.labels == tuple(labels.split())
    equalised = ", equalised" if spec.preprocessing.equalised else ""
    assert (spec.preprocessing.size, spec.preprocessing.scaling + equalised) == (size, scaling)
    assert model.input_shape == (None, *size, 3)
    assert model.output_shape == (None, 1 if spec.binary else len(spec.labels))


@pytest.mark.parametrize("name", list(MODELS))
def test_record(name: str) -> None:
    record, spec, file = weights.read_record(name), MODELS[name], PUBLISHED / f"{name}.weights.h5"
    content = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
    assert {key: type(content[key]) for key in KEYS} == KEYS
    assert (record.name, record.params, record.labels) == (name, spec.params, list(spec.labels))
    assert record.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert record.file_bytes == file.stat().st_size < 100e6
    assert record.source in ("paper", "ours")
    assert set(content["training"]) >= TRAINING_KEYS
    assert record.training.schedule in ("full", "reduced")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record.training.date)
    assert record.split.kind in ("lesion", "patient", "published", "random")
    assert record.split.seed == record.training.configuration.seed == 0
    assert record.split.n["test"] == record.held_out.n
    assert set(record.split.n) == {"train", "validation", "calibration", "test"}
    assert len(record.history) == record.training.epochs
    assert set(record.history[0]) >= {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}


@pytest.mark.parametrize("name", [*MODELS, *BASELINES])
def test_every_figure_comes_from_the_probabilities_beside_it(name: str) -> None:
    spec = BASELINES[name].spec if name in BASELINES else MODELS[name]
    record, tables = weights.read_record(name), record_files.read_tables(name)
    for block in filter(None, (record.held_out, record.test_clean, record.test_random_split)):
        assert set(block.content()) >= {*BLOCK_KEYS} | (BINARY_KEYS if spec.binary else set())
    for rows in (tables.test, tables.calibration, tables.external):
        assert np.allclose(rows[list(spec.labels)].sum(axis=1), 1, atol=1e-5)
    assert tables.test["id"].is_unique
    assert not set(tables.test["id"]) & set(tables.calibration["id"])
    assert not set(tables.test["group"]) & set(tables.calibration["group"]) or record.split.kind == "published"
    assert len(tables.calibration) == record.split.n["calibration"]
    assert (tables.random_split is not None) == (record.test_random_split is not None)
    assert_same(figures.computed(spec.labels, tables, spec.claims), figures.recorded(record))


def test_every_table_belongs_to_a_model() -> None:
    parts = {"test", "calibration", "external", "test_random_split"}
    names = [*MODELS, *BASELINES]
    assert {tuple(file.name.split(".")[:2]) for file in PUBLISHED.glob("*.csv")} <= {(n, part) for n in names for part in parts}


@pytest.mark.parametrize("name", list(MODELS))
def test_what_is_said_of_calibration_and_coverage(name: str) -> None:
    record = weights.read_record(name)
    conformal, points = record.conformal, record.operating_points.points if record.operating_points else []
    assert conformal is not None
    assert set(conformal.thresholds) == set(conformal.kind) == set(conformal.test.per_class) == set(record.labels)
    for label, its in conformal.test.per_class.items():
        assert (conformal.kind[label] == "class") == (its.calibration_n >= 50)
    assert conformal.test.n == record.held_out.n
    values = [its.value for its in MODELS[name].claims if its.metric == "specificity"][:1]
    claimed = [f"specificity {value:.0%}".replace("%", " %") for value in values]
    assert [point.name for point in points] == ["default", "sensitivity 90 %", "sensitivity 95 %", *claimed]
    assert points[0].threshold == 0.5
    assert record.test_clean is not None
    assert record.test_clean.n <= record.held_out.n
    assert set(record.external) == set(LOADERS) - {MODELS[name].dataset.key}
    assert record.external["pad_ufes"].by_fitzpatrick["2"].n > 100


def assert_same(computed: object, recorded: object, where: str = "") -> None:
    """Equal structures; numbers to the digits that other versions of the libraries may round away."""
    if isinstance(computed, dict) and isinstance(recorded, dict):
        assert set(computed) == set(recorded), where
        for key in computed:
            assert_same(computed[key], recorded[key], f"{where}.{key}")
    elif isinstance(computed, list) and isinstance(recorded, list):
        assert len(computed) == len(recorded), where
        for i, pair in enumerate(zip(computed, recorded, strict=True)):
            assert_same(*pair, where=f"{where}[{i}]")
    elif isinstance(computed, float):
        assert computed == pytest.approx(recorded, abs=1e-6), where
    else:
        assert computed == recorded, where


@pytest.mark.parametrize("name", list(MODELS))
def test_file_holds_the_network_alone(name: str) -> None:
    """No optimiser state, and as many numbers as the contract says."""
    numbers, types = 0, set()
    with h5py.File(PUBLISHED / f"{name}.weights.h5") as file:
        assert "optimizer" not in file

        def count(path: str, item: h5py.Group | h5py.Dataset) -> None:
            nonlocal numbers
            if isinstance(item, h5py.Dataset) and np.issubdtype(item.dtype, np.floating):
                numbers += item.size
                types.add(item.dtype.name)

        file.visititems(count)
    assert numbers == MODELS[name].params
    assert types == {weights.read_record(name).training.stored_as}


def test_baselines_have_the_record_of_a_network_without_weights() -> None:
    records = weights.baselines()
    assert {record.name for record in records} == set(BASELINES)
    for record in records:
        spec = BASELINES[record.name].spec
        assert set(record.content()) >= set(KEYS) - {"sha256", "params", "file_bytes", "history", "latency"}
        assert (record.title, record.labels) == (spec.title, list(spec.labels))
        assert [claim.value for claim in record.claims] == [claim.value for claim in spec.claims]
        assert set(record.training.content()) >= TRAINING_KEYS - {"epochs"}
        assert not weights.weights_path(record.name).exists()


@pytest.mark.parametrize("name", list(REACHED))
def test_held_out_figures_that_were_reached(name: str) -> None:
    record = weights.read_record(name)
    for block in filter(None, (record.held_out, record.test_clean)):
        reached = {metric: block.value(metric) or 0 for metric in REACHED[name]}
        assert {metric: value for metric, value in reached.items() if value < REACHED[name][metric]} == {}


def test_all_weights_stay_small_enough() -> None:
    assert sum(file.stat().st_size for file in PUBLISHED.iterdir()) < 400e6
    assert {file.name.removesuffix(".weights.h5") for file in PUBLISHED.glob("*.h5")} == set(MODELS)
