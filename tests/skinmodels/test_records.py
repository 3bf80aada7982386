"""Records: a newer one is read and kept, a wrong one is named and stops its own model alone, all are written alike."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, start, stop
from gradio_client import Client

from skinmodels import record_text, weights
from skinmodels.errors import SkinModelError
from skinmodels.records import OptimiserComparison, Record
from skinmodels.registry import MODELS
from skinmodels.ui import texts
from skinmodels.ui.components import model_card, model_rows, model_table
from training.evaluation.figures import computed, with_figures
from training.evaluation.record_files import read_tables

NAME = "ham_cnn28"
RECORDS = sorted(path.name for path in (ROOT / "weights").glob("*.json"))


def content() -> dict[str, Any]:
    return json.loads((ROOT / "weights" / f"{NAME}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", RECORDS)
def test_every_published_record_is_read_and_written_without_a_change(file: str) -> None:
    text = (ROOT / "weights" / file).read_text(encoding="utf-8")
    kind = OptimiserComparison if file.endswith(".optimisers.json") else Record
    record = record_text.parsed(kind, text, file)
    assert record.content() == json.loads(text)
    assert record_text.written(record.content()) == text


def newer() -> dict[str, Any]:
    found = content()
    found |= {"schema_version": 7, "fairness": {"by": [1, 2.5]}}
    found["test"]["brier"] = 0.25
    found["test"]["per_class"]["mel"]["support"] = 3
    found["external"]["pad_ufes"]["camera"] = "phone"
    return found


def test_a_newer_record_is_read_and_its_unknown_keys_are_kept(own_weights: Path) -> None:
    path = own_weights / f"{NAME}.json"
    path.write_text(json.dumps(newer()), encoding="utf-8")
    record = weights.check(NAME)
    assert record.held_out.accuracy == content()["test"]["accuracy"]
    assert "Accuracy" in texts.facts(MODELS[NAME])
    record_text.write(path, record)
    assert json.loads(path.read_text(encoding="utf-8")) == newer()


def test_figures_written_anew_keep_what_a_newer_record_has_beside_them() -> None:
    record = record_text.of(Record, newer())
    again = with_figures(record, computed(record.labels, read_tables(NAME), MODELS[NAME].claims)).content()
    assert (again["schema_version"], again["fairness"]) == (7, {"by": [1, 2.5]})
    assert "brier" not in again["test"], "it may no longer be true"


def wrong(path: str, value: object) -> dict[str, Any]:
    """The published record with another value where the path leads; without the key for ``...``."""
    found: dict[str, Any] = copy.deepcopy(content())
    *steps, last = path.split(".")
    its = found
    for step in steps:
        its = its[step]
    if value is ...:
        del its[last]
    else:
        its[last] = value
    return found


WRONG = [
    ("labels", ..., "expected labels in ham_cnn28.json. Received: none"),
    ("schema_version", ..., "expected schema_version in ham_cnn28.json. Received: none"),
    ("name", "other", "expected name in ham_cnn28.json to be ham_cnn28. Received: other"),
    ("test", "none", "expected test in ham_cnn28.json to be an object. Received: 'none'"),
    ("test.n", "many", "expected test.n in ham_cnn28.json to be a valid integer. Received: 'many'"),
    ("test.accuracy", [0.5], "expected test.accuracy in ham_cnn28.json to be a valid number. Received: [0.5]"),
    ("test.accuracy", float("nan"), "expected test.accuracy in ham_cnn28.json to be a finite number. Received: nan"),
    ("test.intervals.accuracy", [0.1], "expected test.intervals.accuracy.1 in ham_cnn28.json. Received: none"),
    (
        "test.per_class",
        {"cat": {"precision": 1, "recall": 1, "f1": 1, "n": 1}},
        "expected test.per_class in ham_cnn28.json to be by",
    ),
    ("conformal.thresholds", {"mel": 0.5}, "expected conformal.thresholds in ham_cnn28.json to be by the record's labels"),
    ("calibration.temperature", 0, "expected calibration.temperature in ham_cnn28.json to be greater than 0. Received: 0"),
    ("split.n", {"train": None}, "expected split.n.train in ham_cnn28.json to be a valid integer. Received: None"),
    ("training.schedule", "odd", "expected training.schedule in ham_cnn28.json to be 'full' or 'reduced'. Received: 'odd'"),
    ("history", {}, "expected history in ham_cnn28.json to be a valid array. Received: {}"),
]


@pytest.mark.parametrize(("path", "value", "sentence"), WRONG)
def test_a_wrong_record_is_named_with_its_field(own_weights: Path, path: str, value: object, sentence: str) -> None:
    (own_weights / f"{NAME}.json").write_text(json.dumps(wrong(path, value)), encoding="utf-8")
    with pytest.raises(SkinModelError, match=re.escape(sentence)) as caught:
        weights.read_record(NAME)
    assert str(caught.value).startswith(f'The record of the model "{MODELS[NAME].title}" is damaged: ')
    assert sentence in texts.facts(MODELS[NAME]).replace("**", "")
    assert "is damaged" in model_card.card(NAME)
    rows = model_rows.rows()
    assert [row["model"] for row in rows if row["error"]] == [NAME]
    assert NAME in model_table.table(rows)


def test_a_wrong_baseline_is_left_out(own_weights: Path) -> None:
    for name in ("siim_border", "siim_colour"):
        text = (ROOT / "weights" / f"{name}.json").read_text(encoding="utf-8")
        (own_weights / f"{name}.json").write_text(text, encoding="utf-8")
    border = json.loads((own_weights / "siim_border.json").read_text(encoding="utf-8"))
    (own_weights / "siim_border.json").write_text(json.dumps(border | {"test": {"auc": 1}}), encoding="utf-8")
    assert [record.name for record in weights.baselines()] == ["siim_colour"]
    assert "siim_border" not in model_card.card("siim_cnn_v2")


def test_the_page_starts_with_odd_records_and_says_which(weights_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    for file in weights_folder.iterdir():
        (folder / file.name).symlink_to(file)
    for name in (NAME, "siim_colour"):
        (folder / f"{name}.json").unlink()
    (folder / f"{NAME}.json").write_text(json.dumps(wrong("test.n", "many")), encoding="utf-8")
    (folder / "siim_colour.json").write_text('{"baseline": true}', encoding="utf-8")
    process, server = start(folder, tmp_path / "output.txt")
    try:
        rows = Client(server.url, verbose=False, httpx_kwargs={"timeout": 120}).predict(api_name="/models")
    finally:
        stop(process)
    errors = {row["model"]: row["error"] for row in rows if row["error"]}
    assert list(errors) == [NAME]
    assert "test.n in ham_cnn28.json" in errors[NAME]
    assert "siim_border" in {row["model"] for row in rows}
    assert "siim_colour" not in {row["model"] for row in rows}


def test_lists_of_numbers_and_rows_of_them_are_one_line() -> None:
    content = {
        "a": [1, 2.5, None],
        "b": [[1, 2], [3, 4]],
        "rows": [{"n": 0, "x": None}],
        "words": ["c", "d"],
        "none": {},
        "e": [],
    }
    text = record_text.written(content)
    assert json.loads(text) == content
    assert text.splitlines() == [
        "{",
        ' "a": [1, 2.5, null],',
        ' "b": [',
        "  [1, 2],",
        "  [3, 4]",
        " ],",
        ' "rows": [',
        '  {"n": 0, "x": null}',
        " ],",
        ' "words": [',
        '  "c",',
        '  "d"',
        " ],",
        ' "none": {},',
        ' "e": []',
        "}",
    ]
