"""Probabilities of the published networks on drawn pictures, which no swapped layer or lost weight leaves as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from skinmodels import examples, inference
from skinmodels.registry import MODELS

GOLDEN = Path(__file__).resolve().parent / "golden"
ACCEPT = "SKINMODELS_ACCEPT=1 pytest tests/skinmodels/test_golden.py"


@pytest.mark.parametrize("name", list(MODELS))
def test_golden(name: str) -> None:
    pictures = [examples.draw(seed) for seed in examples.SEEDS]
    answers = [prediction.probabilities for prediction in inference.predict_batch(name, pictures)]
    file = GOLDEN / f"{name}.json"
    if os.environ.get("SKINMODELS_ACCEPT"):
        GOLDEN.mkdir(exist_ok=True)
        rounded = [{label: round(share, 5) for label, share in answer.items()} for answer in answers]
        file.write_text(json.dumps(dict(zip(map(str, examples.SEEDS), rounded, strict=True)), indent=1) + "\n")
    golden = list(json.loads(file.read_text()).values())
    for answer, expected in zip(answers, golden, strict=True):
        assert answer == pytest.approx(expected, abs=2e-3), f"Where the change is meant, accept it with: {ACCEPT}"


def test_golden_answers_differ_between_pictures() -> None:
    """A network that answers the same whatever it sees would pass for ever."""
    for name in MODELS:
        golden = list(json.loads((GOLDEN / f"{name}.json").read_text()).values())
        assert any(abs(golden[0][label] - other[label]) > 0.01 for other in golden[1:] for label in golden[0]), name
