"""The published probabilities, predicted again from the real pictures the way the page does it."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from skinmodels import images, inference, weights
from skinmodels.registry import MODELS
from training import datasets, splits
from training.evaluate import chosen
from training.files import PictureFile

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
ARCHIVES = {
    "kaggle": ["kaggle_malignant_vs_benign.zip"],
    "ham10000": ["ham10000.zip"],
    "isic2019": ["ham10000.zip", "isic2019_part.zip"],
}
ROWS = 200

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs the real pictures in ../shared/data")


@pytest.mark.parametrize("name", list(MODELS))
def test_published_probabilities_come_from_the_pictures(name: str) -> None:
    spec, record = MODELS[name], weights.read_record(name)
    rows = pd.read_csv(weights.folder() / f"{name}.test.csv", dtype={"id": str, "group": str})
    samples = datasets.load(spec, [DATA / archive for archive in ARCHIVES[spec.dataset.key]])
    table = splits.split(samples, record["split"]["kind"])
    test = chosen(samples, table, "test")
    assert [(s.id, s.group, s.label) for s in test] == list(rows[["id", "group", "label"]].itertuples(index=False, name=None))
    assert splits.counts(table) == record["split"]["n"]
    splits.check(table, record["split"]["kind"], spec.labels)

    files = [sample.file for sample in test[:ROWS] if isinstance(sample.file, PictureFile)]
    assert len(files) == ROWS
    pictures = [images.read(io.BytesIO(file.root.read(file.name))) for file in files]
    for prediction, row in zip(inference.predict_batch(name, pictures), rows.to_dict("records"), strict=False):
        for label in spec.labels:
            assert prediction.probabilities[label] == pytest.approx(row[label], abs=0.005), row["id"]
