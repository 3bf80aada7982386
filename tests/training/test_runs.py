"""When a run goes on, and when it is another one."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest

from skinmodels.errors import SkinModelError
from training.fitting.recipes import Recipe
from training.fitting.runs import RunFolder, State, read_json, write_json
from training.train import _reduced, _shortened

RECIPE = Recipe(epochs=10, batch_size=4, select="val_auc", schedule="plateau", deviations=("as it was worded",))


def config(recipe: Recipe) -> dict:
    return {"name": "ham_cnn28", "recipe": asdict(recipe), "versions": {"keras": "3"}}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.begin(config(RECIPE), resume=False)
    folder.commit(State(epoch=1, history=[{"epoch": 1}]))
    return folder


def test_other_words_and_new_fields_do_not_end_a_run(run: RunFolder) -> None:
    old = read_json(run.config)
    del old["recipe"]["side"], old["recipe"]["momentum"]
    write_json(run.config, old)
    again = replace(RECIPE, deviations=("better worded",))
    assert run.begin(config(again) | {"versions": {"keras": "4"}}, resume=True).epoch == 1
    kept = read_json(run.config)
    assert kept["recipe"]["deviations"] == ["better worded"]
    assert kept["versions"] == {"keras": "3"}


def test_a_run_may_get_more_epochs_where_its_rates_do_not_depend_on_them(run: RunFolder, tmp_path: Path) -> None:
    assert run.begin(config(replace(RECIPE, epochs=20)), resume=True).epoch == 1
    assert read_json(run.config)["recipe"]["epochs"] == 20
    with pytest.raises(SkinModelError, match="Received: other recipe"):
        run.begin(config(replace(RECIPE, epochs=15)), resume=True)
    cosine = replace(RECIPE, schedule="cosine")
    other = RunFolder(tmp_path / "other")
    other.begin(config(cosine), resume=False)
    other.commit(State(epoch=1))
    with pytest.raises(SkinModelError, match="Received: other recipe"):
        other.begin(config(replace(cosine, epochs=20)), resume=True)


def test_other_words_of_the_first_part_do_not_end_the_second(tmp_path: Path) -> None:
    both = replace(RECIPE, first=replace(RECIPE, epochs=50))
    folder = RunFolder(tmp_path)
    folder.begin(config(both), resume=False)
    folder.commit(State(epoch=1))
    old = read_json(folder.config)
    del old["recipe"]["first"]["momentum"]
    write_json(folder.config, old)
    assert both.first
    again = replace(both, first=replace(both.first, deviations=("better worded",)))
    assert folder.begin(config(again), resume=True).epoch == 1


def test_a_run_is_done_after_its_last_epoch_or_a_stop_of_its_own(run: RunFolder) -> None:
    assert not run.done()
    run.commit(State(epoch=3, stopped=True))
    assert run.done()
    run.commit(State(epoch=10))
    assert run.done()


def test_features_of_another_configuration_are_dropped(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(config(RECIPE), resume=False)
    file = folder.features("train")
    file.touch()
    folder.begin(config(RECIPE), resume=False)
    assert file.exists()
    folder.begin(config(replace(RECIPE, learning_rate=0.1)), resume=False)
    assert not file.exists()
    file.touch()
    folder.begin(config(replace(RECIPE, learning_rate=0.1)) | {"data": ["other.zip"]}, resume=False)
    assert not file.exists()


def test_a_schedule_is_reduced_where_either_part_is_shorter() -> None:
    both = replace(RECIPE, epochs=2, first=replace(RECIPE, epochs=50))
    assert _shortened(both, None, None) == both
    shorter = _shortened(both, 12, None)
    assert (shorter.first and shorter.first.epochs, shorter.epochs) == (12, 2)
    assert _reduced(both, shorter)
    assert not _reduced(both, both)
    assert _reduced(both, _shortened(both, None, 5))
    assert not _reduced(RECIPE, _shortened(RECIPE, 20, None))


def test_history_is_written_with_the_state(run: RunFolder) -> None:
    assert pd.read_csv(run.path / "history.csv")["epoch"].tolist() == [1]
