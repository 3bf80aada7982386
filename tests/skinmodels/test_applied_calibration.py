"""Temperature scaling and conformal sets as serving applies them, and the axis of malignancy."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skinmodels import inference, labels, weights
from skinmodels.calibration import scaled
from skinmodels.conformal import prediction_sets
from skinmodels.registry import MODELS


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 7])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_scaled_is_softmax_of_divided_logits(classes, temperature):
    logits = np.random.default_rng(0).normal(0, 3, (50, classes))
    assert np.allclose(scaled(softmax(logits), temperature), softmax(logits / temperature), atol=1e-6)


def test_scaled_keeps_the_order_and_bears_exact_zeros():
    rows = scaled(np.array([[1.0, 0.0, 0.0], [0.2, 0.5, 0.3]]), 3.0)
    assert np.isfinite(rows).all()
    assert np.allclose(rows.sum(axis=1), 1)
    assert rows.argmax(axis=1).tolist() == [0, 1]
    assert 0.95 < rows[0, 0] < 1


def test_conformal_sets_hold_what_is_near_enough():
    rows = np.array([[0.7, 0.2, 0.1], [0.34, 0.33, 0.33]])
    assert prediction_sets(rows, np.array([0.5, 0.8, 0.5])).tolist() == [[True, True, False], [False, True, False]]


def test_malignancy_adds_up_the_malignant_classes():
    assert labels.malignancy({"mel": 0.2, "nv": 0.5, "bcc": 0.1, "akiec": 0.2}) == pytest.approx(0.5)
    assert labels.malignancy({"benign": 1.0, "malignant": 0.0}) == 0.0
    assert set(labels.NAMES) >= labels.MALIGNANT


def test_models_name_the_malignancies_they_have_no_class_for():
    assert labels.blind_spots(MODELS["ham_cnn28"].labels) == ("squamous cell carcinoma",)
    assert labels.blind_spots(MODELS["isic_mobilenet"].labels) == ()
    assert labels.blind_spots(MODELS["kaggle_cnn_large"].labels) == ()


def test_a_prediction_is_calibrated_and_has_its_set(own_weights, drawn, monkeypatch):
    monkeypatch.setattr(inference, "_loaded", {})
    published = weights.read_record("ham_cnn28").content()
    record = dict(published)
    for key in ("calibration", "conformal"):
        record.pop(key, None)
    path = weights.record_path("ham_cnn28")
    path.write_text(json.dumps(record))
    plain = inference.predict("ham_cnn28", drawn(3))
    assert plain.conformal is None

    codes = MODELS["ham_cnn28"].labels
    record["calibration"] = published["calibration"] | {"temperature": 2.0}
    record["conformal"] = published["conformal"] | {"thresholds": dict.fromkeys(codes, 0.8)}
    path.write_text(json.dumps(record))
    monkeypatch.setattr(inference, "_loaded", {})
    prediction = inference.predict("ham_cnn28", drawn(3))
    expected = scaled(np.array([list(plain.probabilities.values())]), 2.0)[0]
    assert list(prediction.probabilities.values()) == pytest.approx(list(expected), abs=1e-6)
    assert prediction.conformal == tuple(code for code in codes if prediction.probabilities[code] >= 0.2)
    assert prediction.malignancy == pytest.approx(sum(prediction.probabilities[code] for code in ("akiec", "bcc", "mel")))
