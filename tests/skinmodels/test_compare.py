"""Several models on one picture: their answers, agreement, and what a table makes of them."""

from __future__ import annotations

import dataclasses
import io
import threading
from pathlib import Path

import pytest
from gradio.data_classes import ImageData
from PIL import Image

from skinmodels import compare, inference, labels, weights
from skinmodels.errors import SkinModelError
from skinmodels.inference import Prediction
from skinmodels.registry import MODELS
from skinmodels.ui import texts
from skinmodels.ui.components import picture, prediction_rows
from skinmodels.ui.tabs import compare as ui_compare


def answered(name: str, **shares: float) -> compare.Answer:
    spec = MODELS[name]
    probabilities = {code: shares.get(code, 0.0) for code in spec.labels}
    seen = Image.new("RGB", (spec.preprocessing.size[1], spec.preprocessing.size[0]), "white")
    return compare.Answer(name, Prediction(name, probabilities, seen, 0.01), "ab" * 32)


def test_models_are_chosen_once_in_display_order():
    assert compare.chosen(None) == list(MODELS)
    assert compare.chosen([*reversed(MODELS), next(iter(MODELS))]) == list(MODELS)
    with pytest.raises(SkinModelError, match="at least one model"):
        compare.chosen([])
    with pytest.raises(SkinModelError, match="Expected a model name"):
        compare.chosen(["resnet"])


def test_a_model_that_cannot_be_used_is_a_row_and_the_others_go_on(own_weights, drawn, monkeypatch):
    monkeypatch.setattr(inference, "_loaded", {})
    (own_weights / "ham_cnn28.weights.h5").write_bytes(b"damaged")
    names = ["kaggle_cnn_small", "ham_cnn28", "isic_mobilenet"]
    image = drawn(1)
    found = list(compare.answers(names, image))
    assert [answer.name for answer in found] == names
    assert [bool(answer.error) for answer in found] == [False, True, False]
    assert "are damaged" in found[1].error
    assert found[0].prediction is not None
    assert found[0].prediction.probabilities == pytest.approx(inference.predict(names[0], image).probabilities, abs=1e-6)
    told = compare.as_json(image, found)
    assert told["rows"][1]["error"] == found[1].error
    assert told["rows"][1]["malignancy"] is None
    assert told["agreement"]["models"] == 2
    assert "are damaged" in prediction_rows.table([prediction_rows.line(answer) for answer in found], "")


def test_agreement():
    assert compare.agreement([]) is None
    assert compare.agreement([0.9]) is None
    found = compare.agreement([0.9, 0.5, 0.2])
    assert found is not None
    assert (found.models, found.malignant, found.majority) == (3, 2, 2)
    assert found.share == pytest.approx(2 / 3)
    assert found.spread == pytest.approx(0.7)
    assert "2 of 3 models (67%) lie at or above 50 %" in prediction_rows.agreed(found)
    assert "spread of 70.0 percentage points" in prediction_rows.agreed(found)
    assert "none, 1 models lie below" in prediction_rows.agreed(compare.agreement([0.1, 0.9]))
    assert "2 of 2 models (100%) lie below 50 %" in prediction_rows.agreed(compare.agreement([0.1, 0.4]))


def test_the_axis_is_the_sum_over_malignant_classes_and_says_so():
    line = prediction_rows.line(answered("ham_cnn28", mel=0.3, bcc=0.2, akiec=0.1, nv=0.4))
    drawn = prediction_rows.axis([line])
    assert "60.0%" in drawn
    assert "akiec, bcc, mel" in drawn
    assert "judgement call" in drawn
    assert labels.MALIGNANT_SOURCE.split(",")[0] in drawn
    assert "squamous cell carcinoma" in prediction_rows.table([line], "")
    assert "has no class" not in prediction_rows.table([prediction_rows.line(answered("isic_mobilenet", MEL=1.0))], "").lower()


def test_a_prediction_in_words():
    spec = MODELS["ham_cnn28"]
    found = answered("ham_cnn28", mel=0.3, nv=0.7).prediction
    assert found is not None
    text = texts.done(spec, Image.new("RGB", (20, 10)), found)
    assert "Probability of malignancy: 30.0%" in text
    assert "coverage" not in text


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (("mel", "nv"), "With 90 % coverage: melanoma or melanocytic nevus (mole)."),
        (("bkl", "mel", "nv"), "With 90 % coverage: benign keratosis, melanoma or melanocytic nevus (mole)."),
        (("vasc",), "With 90 % coverage: vascular lesion."),
        ((), "With 90 % coverage: an empty set, since no class fits well enough."),
    ],
)
def test_the_conformal_set_in_words(codes, words, monkeypatch):
    record = weights.read_record("ham_cnn28")
    assert record.conformal is not None
    assert record.conformal.coverage == 0.9
    loaded = inference.Loaded(None, record)  # type: ignore[arg-type]
    monkeypatch.setattr(inference, "loaded", lambda name: loaded)
    found = answered("ham_cnn28", mel=0.3, nv=0.7).prediction
    assert found is not None
    held = dataclasses.replace(found, conformal=codes)
    assert words in texts.done(MODELS["ham_cnn28"], Image.new("RGB", (20, 10)), held)


def test_facts_say_whether_probabilities_are_calibrated(monkeypatch):
    record = weights.read_record("ham_cnn28")
    assert record.calibration is not None
    fitted = record.calibration.model_copy(update={"temperature": 1.5, "n": 1001})
    records = [record.model_copy(update={"calibration": its}) for its in (fitted, None)]
    monkeypatch.setattr(texts.weights, "check", lambda name: records[0])
    assert "temperature 1.50, fitted on 1,001 pictures" in texts.facts(MODELS["ham_cnn28"])
    records.pop(0)
    assert "not calibrated" in texts.facts(MODELS["ham_cnn28"])


def test_each_row_is_shown_while_the_next_model_is_still_at_it(drawn, monkeypatch):
    names = ["ham_cnn28", "isic_mobilenet"]
    seen_first = threading.Event()

    def slow(chosen, image):
        yield answered(chosen[0], nv=1.0)
        assert seen_first.wait(30)
        yield answered(chosen[1], NV=1.0)

    monkeypatch.setattr(compare, "answers", slow)
    shown = []
    for html, *_ in ui_compare._rows(drawn(1), names):
        shown.append((html.count("<tr data-model="), "<progress" in html))
        if shown[-1][0] == 1:
            seen_first.set()
    assert shown == [(0, True), (1, True), (2, False)]


def test_an_error_nobody_expected_is_not_lost_in_the_thread(drawn, monkeypatch):
    def broken(chosen, image):
        yield answered(chosen[0], nv=1.0)
        raise ZeroDivisionError

    monkeypatch.setattr(compare, "answers", broken)
    with pytest.raises(ZeroDivisionError):
        list(ui_compare._rows(drawn(1), ["ham_cnn28", "isic_mobilenet"]))


def payload(path) -> ImageData:
    return ImageData(path=str(path))


def test_a_picture_is_known_by_the_bytes_of_its_file(drawn, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path = tmp_path / "drawn.jpg"
    drawn(1).save(path)
    read = picture.PictureInput().preprocess(payload(path))
    assert read is not None
    assert read.info["sha256"] == picture.sha256(path)


def test_a_preview_stands_for_its_file_and_no_other_picture_can(drawn, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    path, shown, forged = tmp_path / "drawn.tif", tmp_path / "shown.png", tmp_path / "forged.png"
    drawn(1).save(path)
    component = picture.PictureInput(format="png")
    first = component.preprocess(payload(path))
    preview = picture.preview(first)
    assert isinstance(preview, Image.Image)
    made = component.postprocess(preview)
    shown.write_bytes(Path(made.path).read_bytes())  # type: ignore[union-attr, arg-type]
    again = component.preprocess(payload(shown))
    assert again is not None
    assert again.info["sha256"] == picture.sha256(path)

    text = Image.open(shown).info["original"]
    other = drawn(2)
    other.info = {"original": text}
    made = component.postprocess(other)
    forged.write_bytes(Path(made.path).read_bytes())  # type: ignore[union-attr, arg-type]
    assert Image.open(forged).info["original"] == text
    read = component.preprocess(payload(forged))
    assert read is not None
    assert read.info["sha256"] == picture.sha256(forged)


def test_thumbnails_are_small(drawn):
    html = prediction_rows.picture(drawn(1).resize((96, 96)), "a <b>")
    assert "&lt;b&gt;" in html
    assert len(html) < 12_000
    assert io.BytesIO(html.encode()).read(4) == b"<img"
