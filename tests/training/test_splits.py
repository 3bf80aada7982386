"""Splits: lesions apart, stratified, the same every time."""

from __future__ import annotations

from pathlib import Path

import drawn_data
import pandas as pd
import pytest

from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from training.data import datasets, splits
from training.fitting.runs import RunFolder


@pytest.fixture(scope="module")
def ham(tmp_path_factory: pytest.TempPathFactory) -> list[datasets.Sample]:
    return datasets.load(MODELS["ham_cnn28"], [drawn_data.ham10000(tmp_path_factory.mktemp("ham"))])


def shares(table: pd.DataFrame) -> dict[str, float]:
    return {part: count / len(table) for part, count in splits.counts(table).items()}


def test_no_lesion_stands_in_two_parts(ham: list[datasets.Sample]) -> None:
    table = splits.split(ham, "lesion")
    assert (table.groupby("group")["part"].nunique() == 1).all()
    assert shares(table) == pytest.approx({"train": 0.7, "validation": 0.05, "calibration": 0.05, "test": 0.2}, abs=0.03)
    splits.check(table, "lesion", MODELS["ham_cnn28"].labels)


def test_random_split_is_by_picture(ham: list[datasets.Sample]) -> None:
    table = splits.split(ham, "random")
    assert (table.groupby("group")["part"].nunique() > 1).any(), "this split is there to show what shared lesions are worth"
    assert shares(table) == pytest.approx({"train": 0.64, "validation": 0.08, "calibration": 0.08, "test": 0.2}, abs=0.01)


def test_published_split_keeps_the_test_part(tmp_path: Path) -> None:
    samples = datasets.load(MODELS["kaggle_cnn_small"], [drawn_data.kaggle(tmp_path)])
    table = splits.split(samples, "published")
    assert [part == "test" for part in table["part"]] == [s.published_part == "test" for s in samples]
    assert {"validation", "calibration"} <= set(table["part"])


def test_same_seed_same_split(ham: list[datasets.Sample], tmp_path: Path) -> None:
    first, again, other = splits.split(ham, "lesion"), splits.split(ham, "lesion"), splits.split(ham, "lesion", seed=1)
    assert first.equals(again)
    assert not first.equals(other)
    run = RunFolder(tmp_path)
    run.keep_split(first)
    run.check_split(again)
    with pytest.raises(SkinModelError, match="in another order"):
        run.check_split(other)


def test_check_refuses_a_shared_lesion_and_a_missing_class(ham: list[datasets.Sample]) -> None:
    labels = MODELS["ham_cnn28"].labels
    table = splits.split(ham, "lesion")
    twice = table["group"].value_counts().index[0]
    table.loc[table.index[table["group"] == twice][0], "part"] = "test"
    table.loc[table.index[table["group"] == twice][1], "part"] = "train"
    with pytest.raises(SkinModelError, match="Received: 1 in several"):
        splits.check(table, "lesion", labels)
    table = splits.split(ham, "lesion")
    with pytest.raises(SkinModelError, match="test part"):
        splits.check(table[~((table["part"] == "test") & (table["label"] == "df"))], "lesion", labels)


def test_lesion_split_needs_lesion_ids(tmp_path: Path) -> None:
    samples = datasets.load(MODELS["kaggle_cnn_small"], [drawn_data.kaggle(tmp_path)])
    with pytest.raises(SkinModelError, match="with lesion ids"):
        splits.split(samples, "lesion")


def test_too_few_pictures_of_a_class(ham: list[datasets.Sample]) -> None:
    few = [s for s in ham if s.label != "df"] + [s for s in ham if s.label == "df"][:1]
    with pytest.raises(SkinModelError, match="at least 20 pictures of every class"):
        splits.split(few, "random")


def test_unknown_kind(ham: list[datasets.Sample]) -> None:
    with pytest.raises(SkinModelError, match="one of lesion, patient, published, random"):
        splits.split(ham, "best")
