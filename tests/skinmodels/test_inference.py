"""Loading, damage, threads: from a picture to probabilities."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from skinmodels import inference, weights
from skinmodels.calibration import scaled
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS


@pytest.fixture(autouse=True)
def use_weights(weights_folder, monkeypatch):
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(weights_folder))


@pytest.fixture
def nothing_loaded(monkeypatch):
    monkeypatch.setattr(inference, "_loaded", {})


@pytest.mark.parametrize("name", MODELS)
def test_predict(name, drawn):
    spec = MODELS[name]
    picture = drawn(1)
    prediction = inference.predict(name, picture)
    assert prediction.name == name
    assert tuple(prediction.probabilities) == spec.labels
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert all(0 <= share <= 1 for share in prediction.probabilities.values())
    assert (np.asarray(prediction.seen) == spec.preprocessing.pixels(picture)).all()
    assert 0 < prediction.seconds < 60


@pytest.mark.parametrize("name", ["ham_cnn28", "isic_mobilenet"])
def test_batch_equals_single_pictures(name, drawn, monkeypatch):
    monkeypatch.setattr(inference, "MAX_BATCH", 2)
    pictures = [drawn(seed) for seed in range(3)]
    for picture, together in zip(pictures, inference.predict_batch(name, pictures), strict=True):
        alone = inference.predict(name, picture)
        assert list(together.probabilities.values()) == pytest.approx(list(alone.probabilities.values()), abs=1e-4)
    assert inference.predict_batch(name, []) == []


def test_mirror_images_are_averaged(drawn):
    """Where a model's record says so, the answer is the mean over the picture and its mirror image, as asked one by one."""
    name = "ham_reference"
    assert MODELS[name].mirrored
    picture = drawn(1)
    network, preprocessing = inference.loaded(name).network, MODELS[name].preprocessing
    values = preprocessing.scale(preprocessing.pixels(picture))
    views = [values, values[:, ::-1]]
    mean = np.mean([network.predict_on_batch(view[None])[0] for view in views], axis=0)
    calibration = inference.loaded(name).record.calibration
    assert calibration is not None
    answer = inference.predict(name, picture)
    assert list(answer.probabilities.values()) == pytest.approx(scaled(mean[None], calibration.temperature)[0], abs=1e-5)
    mirrored = inference.predict(name, picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert list(mirrored.probabilities.values()) == pytest.approx(list(answer.probabilities.values()), abs=1e-4)


def test_unknown_model(drawn):
    with pytest.raises(SkinModelError, match="Received: 'nonsense'"):
        inference.predict("nonsense", drawn(1))


def test_threads_get_the_same_answers_as_one_caller(drawn):
    jobs = [(name, drawn(seed)) for seed in range(4) for name in MODELS]
    expected = [inference.predict(*job).probabilities for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        got = [prediction.probabilities for prediction in pool.map(lambda job: inference.predict(*job), jobs)]
    for one, other in zip(expected, got, strict=True):
        assert list(one.values()) == pytest.approx(list(other.values()), abs=1e-5)


def test_threads_load_a_model_once(drawn, monkeypatch, nothing_loaded):
    loads = []
    load = weights.load

    def counted(name):
        loads.append(name)
        return load(name)

    monkeypatch.setattr(weights, "load", counted)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: inference.predict("ham_cnn28", drawn(1)), range(4)))
    assert loads == ["ham_cnn28"]


def test_a_request_waits_for_its_own_model_only(drawn, monkeypatch, nothing_loaded):
    started, go_on = threading.Event(), threading.Event()
    load = weights.load

    def slow_for_one(name):
        if name == "kaggle_cnn_large":
            started.set()
            assert go_on.wait(60)
        return load(name)

    monkeypatch.setattr(weights, "load", slow_for_one)
    loading = inference.warm_in_background(["kaggle_cnn_large"])
    assert started.wait(60)
    assert inference.predict("ham_cnn28", drawn(1)).name == "ham_cnn28"
    go_on.set()
    loading.join(60)
    assert "kaggle_cnn_large" in inference._loaded


def test_published_weights_pass_their_check():
    for name, spec in MODELS.items():
        assert weights.check(name).labels == list(spec.labels)


def damage_bytes(folder, name):
    path = folder / f"{name}.weights.h5"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def remove_weights(folder, name):
    (folder / f"{name}.weights.h5").unlink()


def remove_record(folder, name):
    (folder / f"{name}.json").unlink()


def break_record(folder, name):
    (folder / f"{name}.json").write_text("{not json")


def list_as_record(folder, name):
    (folder / f"{name}.json").write_text("[]")


def other_labels(folder, name):
    path = folder / f"{name}.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"labels": record["labels"][::-1]}))


def words_for_a_number(folder, name):
    path = folder / f"{name}.json"
    record = json.loads(path.read_text())
    record["calibration"]["temperature"] = "warm"
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (damage_bytes, "damaged"),
        (
            words_for_a_number,
            "damaged: expected calibration.temperature in ham_cnn28.json to be a valid number. Received: 'warm'",
        ),
        (remove_weights, "missing"),
        (remove_record, "missing"),
        (break_record, "damaged"),
        (list_as_record, "damaged"),
        (other_labels, "expected the labels"),
    ],
)
def test_bad_weights_are_named_each_time_and_a_repair_is_noticed(
    harm, words, own_weights, weights_folder, drawn, nothing_loaded
):
    name = "ham_cnn28"
    harm(own_weights, name)
    for _ in range(2):
        with pytest.raises(SkinModelError, match=words) as caught:
            inference.predict(name, drawn(1))
        assert MODELS[name].title in str(caught.value)
        assert str(own_weights) not in str(caught.value)
    inference.warm([name])
    for path in weights_folder.glob(f"{name}*"):
        shutil.copy(path, own_weights)
    assert inference.predict(name, drawn(1)).name == name


def test_load_file_refuses_what_is_not_the_networks(own_weights, tmp_path):
    spec = MODELS["kaggle_cnn_small"]
    with pytest.raises(SkinModelError, match="does not hold the weights of this network"):
        weights.load_file(spec, own_weights / "ham_cnn28.weights.h5")
    text = tmp_path / "text.weights.h5"
    text.write_text("no weights")
    with pytest.raises(SkinModelError, match="does not hold the weights of this network"):
        weights.load_file(spec, text)
    with pytest.raises(SkinModelError, match="missing"):
        weights.load_file(spec, tmp_path / "none.weights.h5")


def test_any_size_is_taken():
    for size in ((8, 8), (3000, 20), (17, 1200)):
        assert inference.predict("ham_cnn28", Image.new("RGB", size, "white")).seen.size == (28, 28)
