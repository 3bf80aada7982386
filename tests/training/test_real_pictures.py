"""The published probabilities, predicted again from the real pictures: the way the page does it, and the way they were."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from conftest import sets_at_hand

from skinmodels import images, inference, weights
from skinmodels.calibration import scaled
from skinmodels.registry import MODELS
from training import figures
from training.data import splits
from training.data.files import PictureFile
from training.evaluation.predictions import chosen

# Few, since every model answers them, and some take half a second for one.
ROWS = 40
# Of each part, of every set.
FIRST = 5


@pytest.mark.parametrize("name", list(MODELS))
def test_published_probabilities_come_from_the_pictures(name: str, split_of) -> None:
    spec, record = MODELS[name], weights.read_record(name)
    rows = pd.read_csv(weights.folder() / f"{name}.test.csv", dtype={"id": str, "group": str})
    samples, table = split_of(spec)
    assert record.split.kind == splits.default_kind(spec.dataset.key, samples)
    test = chosen(samples, table, "test")
    groups = [sample.about.get("lesion_id", sample.group) for sample in test]
    assert [sample.id for sample in test] == list(rows["id"])
    assert [sample.label for sample in test] == list(rows["label"])
    assert groups == list(rows["group"])
    assert splits.counts(table) == record.split.n
    splits.check(table, record.split.kind, spec.labels)

    files = [sample.file for sample in test[:ROWS] if isinstance(sample.file, PictureFile)]
    assert len(files) == ROWS
    pictures = [images.read(io.BytesIO(file.root.read(file.name))) for file in files]
    assert record.calibration is not None
    published = scaled(rows[list(spec.labels)].to_numpy(float)[:ROWS], record.calibration.temperature)
    for prediction, row, id in zip(inference.predict_batch(name, pictures), published, rows["id"], strict=False):
        assert np.array(list(prediction.probabilities.values())) == pytest.approx(row, abs=0.005), id


@pytest.mark.usefixtures("real_sets")
def test_the_check_of_published_figures_finds_the_same_answers() -> None:
    assert figures.main([*MODELS, "--data", *map(str, sets_at_hand()), "--check", "--first", str(FIRST)]) == 0
