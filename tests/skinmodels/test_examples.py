"""The pictures anyone can click, and the words a model's record turns into."""

from __future__ import annotations

import json
import logging

import numpy as np
from PIL import Image

from skinmodels import examples
from skinmodels.registry import MODELS
from skinmodels.ui import texts


def test_drawings_are_repeatable_and_differ(tmp_path):
    assert (np.asarray(examples.draw(1)) == np.asarray(examples.draw(1))).all()
    assert examples.draw(1, (50, 80)).size == (80, 50)
    written = [np.asarray(Image.open(path)) for path in examples.write_drawn(tmp_path)]
    assert len(written) == len(examples.SEEDS)
    assert all((one != other).any() for i, one in enumerate(written) for other in written[:i])


def test_real_examples_are_the_readable_ones(tmp_path, monkeypatch, caplog):
    Image.new("RGB", (20, 20)).save(tmp_path / "b.png")
    Image.new("RGB", (20, 20)).save(tmp_path / "a.jpg")
    Image.new("RGB", (20, 20)).save(tmp_path / "no_preview.tif")
    (tmp_path / "readme.txt").write_text("not a picture")
    monkeypatch.setenv("SKINMODELS_EXAMPLES", str(tmp_path))
    with caplog.at_level(logging.WARNING):
        assert [path.name for path in examples.real()] == ["a.jpg", "b.png"]
    assert "readme.txt" in caplog.text


def test_no_folder_is_one_sentence_in_the_log(tmp_path, monkeypatch, caplog):
    monkeypatch.delenv("SKINMODELS_EXAMPLES", raising=False)
    assert examples.real() == []
    monkeypatch.setenv("SKINMODELS_EXAMPLES", str(tmp_path / "nowhere"))
    with caplog.at_level(logging.WARNING):
        assert examples.real() == []
    assert len(caplog.records) == 1


def test_facts_follow_the_record(own_weights):
    spec = MODELS["kaggle_cnn_large"]
    path = own_weights / f"{spec.name}.json"
    test = {"n": 660, "accuracy": 0.8123, "macro_auc": 0.9, "sensitivity": 0.75, "intervals": {"accuracy": [0.78, 0.84]}}
    record = json.loads(path.read_text()) | {
        "split": {"kind": "published"},
        "training": {"schedule": "reduced", "epochs": 12},
        "test": test,
        "test_random_split": test | {"accuracy": 0.9876},
    }
    path.write_text(json.dumps(record))
    facts = texts.facts(spec)
    for words in ("660", "0.812", "0.780 to 0.840", "Sensitivity", "schedule: 12 epochs", "paper's kind of split", "0.988"):
        assert words in facts
    assert "0.9354" in facts
    assert spec.claim_note in facts
    for part in ("split", "training", "test", "test_random_split"):
        del record[part]
    path.write_text(json.dumps(record))
    assert "none in this model's record" in texts.facts(spec)
    path.unlink()
    assert "missing" in texts.facts(spec)
