"""Facts stand with what they are about: every set and recipe has its own, and they name what there is."""

from __future__ import annotations

import ast

import pytest
from conftest import ROOT

from skinmodels.registry import MODELS
from skinmodels.sources import ALL, DATASETS
from training.baselines import BASELINES
from training.data import datasets, splits
from training.fitting.pretrained import STARTS
from training.fitting.recipes import RECIPES

NAMES = {*MODELS, *BASELINES, *ALL}
# Where a set is read, and where the audit tells of two sets that share pictures, they are named.
OWN = {"skinmodels/architectures", "skinmodels/sources.py", "training/data", "training/audit.py"}


def test_every_set_has_a_reader_a_split_and_a_sentence_on_what_is_tested() -> None:
    assert set(ALL) == set(datasets.LOADERS)
    for key, dataset in ALL.items():
        assert dataset.key == key
        assert dataset.tested_on
        assert (dataset.split in splits.KINDS) == (key in DATASETS) == bool(dataset.tab)


def test_what_a_set_is_measured_against_has_a_record() -> None:
    for dataset in ALL.values():
        for its in (*dataset.yardsticks, *dataset.given_away):
            assert its.record in {*MODELS, *BASELINES}
        assert bool(dataset.given_away) == bool(dataset.confounder)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_how_long_it_takes_and_starts_from_weights_that_are_known(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.minutes > 0
    assert recipe.start is None or recipe.start in STARTS


def test_no_code_asks_which_model_or_set_it_has() -> None:
    found = []
    for folder in ("skinmodels", "training"):
        for file in (ROOT / folder).rglob("*.py"):
            name = str(file.relative_to(ROOT))
            if any(name.startswith(own) for own in OWN):
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
                if any(isinstance(its, ast.Constant) and its.value in NAMES for its in sides):
                    found.append(f"{name}:{node.lineno}")  # type: ignore[attr-defined]
    assert found == []
