"""The models' cards for the Hub: up to date, a header that parses, and nothing promised that the licences forbid."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import drawn_record
import pytest
import yaml
from conftest import ROOT
from huggingface_hub import ModelCard, ModelCardData

from skinmodels import weights
from skinmodels.records import Record
from skinmodels.registry import MODELS
from skinmodels.report.limits import limits
from training import cards

CARDS = ROOT / "weights" / "README.md"


@pytest.fixture(scope="module")
def header() -> dict[str, Any]:
    return yaml.safe_load(CARDS.read_text(encoding="utf-8").split("---\n")[1])


def test_cards_are_up_to_date():
    assert cards.text() == CARDS.read_text(encoding="utf-8"), "The cards are stale. Write them anew: python -m training.cards"


def test_header_has_what_the_hub_asks_for(header):
    assert header["license"] == "other"
    assert header["license_name"]
    assert (CARDS.parent / header["license_link"]).is_file()
    assert header["library_name"] == "keras"
    assert header["pipeline_tag"] == "image-classification"
    assert header["metrics"]
    assert "google/mobilenet_v2_1.0_224" in header["base_model"]
    assert {"research-only", "non-commercial"} <= set(header["tags"])
    assert len(header["datasets"]) == len({spec.dataset.key for spec in MODELS.values()})


def test_header_names_each_network_that_training_started_from_once():
    def started(name: str, start: str | None) -> Record:
        record = weights.read_record(name)
        configuration = record.training.configuration.model_copy(update={"start": start, "imagenet": False})
        return record.model_copy(update={"training": record.training.model_copy(update={"configuration": configuration})})

    records = {name: started(name, None) for name in MODELS}
    assert "base_model" not in cards.metadata(records)
    for name, start in zip(records, ("a.npz", "b.weights.h5", "c.npz"), strict=False):
        records[name] = started(name, start)
    assert cards.metadata(records)["base_model"] == ["onnxmodelzoo/legacy_models", "google/mobilenet_v2_1.0_224"]


@pytest.mark.parametrize(
    ("stored", "words"), [(300, "It sees 300x300 pixels (enlarged to 500x500),"), (600, "It sees 500x500 pixels,")]
)
def test_limits_name_the_pixels_that_are_really_seen(stored, words):
    spec = next(iter(MODELS.values()))
    preprocessing = replace(spec.preprocessing, size=(500, 500), source_size=(stored, stored))
    assert any(sentence.startswith(words) for sentence in limits(replace(spec, preprocessing=preprocessing)))


def read(text: str) -> ModelCardData:
    """The header as the Hub's own library reads it."""
    data = ModelCard(text).data
    assert isinstance(data, ModelCardData)
    return data


def test_header_is_read_by_the_hubs_own_library():
    data = read(CARDS.read_text(encoding="utf-8"))
    assert data.license == "other"
    assert data.eval_results


def test_index_has_every_model_with_its_figures(header):
    assert [entry["name"] for entry in header["model-index"]] == list(MODELS)
    for entry in header["model-index"]:
        record = weights.read_record(entry["name"])
        for result in entry["results"]:
            block = record.block(result["dataset"]["split"])
            assert block is not None
            values = {metric["type"]: metric["value"] for metric in result["metrics"]}
            assert values["accuracy"] == pytest.approx(block.accuracy, abs=1e-4)
            assert values["roc_auc"] == pytest.approx(block.macro_auc, abs=1e-4)


def test_cards_say_what_must_be_said():
    text = CARDS.read_text(encoding="utf-8")
    for name, spec in MODELS.items():
        card = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert "Research only, never a diagnosis. Not for commercial use." in card
        for words in (spec.claim_note, spec.dataset.licence, weights.read_record(name).training.command):
            assert words in card


def test_everything_measured_later_is_told_too(own_weights):
    name = next(iter(MODELS))
    record = drawn_record.full(name, weights.read_record(name).content())
    (own_weights / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    text = cards.text()
    for words in ("clean test part", "temperature 1.271", "Conformal sets", "sensitivity 90 %", "PAD-UFES-20", "test_clean"):
        assert words in text
    assert read(text).eval_results
