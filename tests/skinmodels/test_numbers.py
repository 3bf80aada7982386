"""The numbers a picture is answered with: the same whatever company it has, up to what docs/api.md promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skinmodels import inference
from skinmodels.batch import engine, result_file
from skinmodels.batch.picture_files import found
from skinmodels.registry import MODELS

# Of a probability.
MOST = 2e-6


@pytest.fixture(autouse=True)
def use_weights(weights_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(weights_folder))


@pytest.fixture(scope="module")
def folder(drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(32):
        drawn(seed).save(folder / f"{seed:02}.png")
    return folder


def numbers(predictions: list[inference.Prediction]) -> np.ndarray:
    return np.array([list(its.probabilities.values()) for its in predictions])


def millionths(path: Path) -> np.ndarray:
    """The probabilities of a file of rows, (pictures, labels)."""
    return np.array([list(row.probabilities.values()) for row in result_file.read(path)]) * 1e6


@pytest.mark.parametrize("name", list(MODELS))
def test_a_picture_alone_in_batches_and_after_a_resume(name: str, folder: Path, drawn, tmp_path: Path) -> None:
    pictures = [drawn(seed) for seed in range(32)]
    in_32 = numbers(inference.predict_batch(name, pictures))[:7]
    in_7 = numbers(inference.predict_batch(name, pictures[:7]))
    alone = numbers([inference.predict(name, picture) for picture in pictures[:7]])
    assert np.abs(in_32 - alone).max() <= MOST
    assert np.abs(in_7 - alone).max() <= MOST

    files, models, path = list(found([folder]))[:7], engine.check([name]), tmp_path / "rows.csv"
    with result_file.Results(path, models) as unfinished:
        unfinished.write(engine.rows(files[:3], models, batch_size=2, workers=1))
    # Killed while it wrote the third.
    path.write_bytes(path.read_bytes()[:-9])
    with result_file.Results(path, models) as resumed:
        assert resumed.done == {"00.png", "01.png"}
        resumed.write(engine.rows(files[2:], models, batch_size=5, workers=1))
    written = millionths(path)
    assert np.abs(written - written.round()).max() < 1e-3, "six digits and no more"
    assert np.abs(written - in_32 * 1e6).max() <= MOST * 1e6 + 0.5
