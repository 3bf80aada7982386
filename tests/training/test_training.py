"""Training on drawn pictures: every recipe runs, the same seed repeats, and a killed run goes on to the same end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import drawn_data
import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from skinmodels import metrics, weights
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.spec import ModelSpec
from training import evaluate, figures, publish
from training.data import datasets
from training.data.files import Root
from training.evaluation import figures as computed_figures
from training.evaluation import record_files
from training.fitting.augmentation import Augmentation, _layers, augment
from training.fitting.batches import Augmented, Balance, Batches
from training.fitting.callbacks import SaveRun
from training.fitting.fit import _network, at_side
from training.fitting.pretrained import keys
from training.fitting.recipes import RECIPES
from training.fitting.runs import FIRST, RunFolder, State, read_json, write_json
from training.train import PRECISIONS, _computed_in, main, train

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = {"config.json", "split.csv", "state.json", "history.csv", "metrics.json"} | {
    f"{name}.png" for name in ("accuracy", "loss", "confusion_validation")
}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {key: make(tmp_path_factory.mktemp(key)) for key, make in drawn_data.MAKERS.items()}


@pytest.fixture(scope="session")
def starts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Random weights in the form of the ImageNet ones, by the layer that ends them."""
    folder = tmp_path_factory.mktemp("start")
    mobilenet = folder / "start.weights.h5"
    keras.applications.MobileNetV2(input_shape=(64, 64, 3), include_top=False, weights=None).save_weights(mobilenet)
    resnet, last = folder / "start.npz", "stage3_unit6_add"
    model = MODELS["isic_resnet50"].build()
    layers = [layer for layer in keras.Model(model.inputs, model.get_layer(last).output).layers if layer.weights]
    named = {key: weight for layer in layers for key, weight in zip(keys(layer.name), layer.get_weights(), strict=True)}
    np.savez(resnet, **named)
    return {"out_relu": str(mobilenet), last: str(resnet)}


@pytest.fixture(scope="module", autouse=True)
def _few_resamples() -> Iterator[None]:
    """Intervals are tested elsewhere and take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "RESAMPLES", 20)
        yield


EPOCHS = 3


def command(out: Path, data: Path, *more: str) -> list[str]:
    return ["ham_cnn28", "--data", str(data), "--out", str(out), "--epochs", str(EPOCHS), "--steps", "4", *more]


@pytest.fixture(scope="module")
def ham_run(data: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    out = tmp_path_factory.mktemp("runs") / "ham"
    assert main(command(out, data["ham10000"])) == 0
    return RunFolder(out)


# Networks that end in a global pool are tried on smaller pictures, which takes a tenth of the time.
SIDE = 64


@cache
def _smaller(name: str) -> ModelSpec:
    spec = MODELS[name]
    pooled = any(isinstance(layer, keras.layers.GlobalAveragePooling2D) for layer in spec.build().layers)
    return at_side(spec, SIDE if pooled and min(spec.preprocessing.size) > 2 * SIDE else None)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in RECIPES:
        monkeypatch.setitem(MODELS, name, _smaller(name))
    # A single step is done before its graph would be traced.
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


# Of networks that share a recipe the first.
OF_EACH_RECIPE = list({recipe: name for name, recipe in reversed(RECIPES.items())}.values())


@pytest.mark.parametrize("name", OF_EACH_RECIPE)
def test_every_recipe_trains(name: str, data, starts, small: None, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    if recipe.first:
        recipe = replace(recipe, side=SIDE, first=replace(recipe.first, side=SIDE))
    start = starts[recipe.start] if recipe.start else None
    data_set = str(data[MODELS[name].dataset.key])
    run = RunFolder(train(name, [data_set], epochs=1, steps=1, out=str(tmp_path / "run"), start=start, recipe=recipe))
    left = {file.name for file in run.path.iterdir()}
    assert left == LEFT_BEHIND | {run.state().last, run.state().best} | ({FIRST} if recipe.first else set())
    assert set(run.state().history[0]) >= {"epoch", "accuracy", "loss", "val_accuracy", "val_loss"}
    assert read_json(run.config)["schedule"] == "reduced"
    evaluate.trained(MODELS[name], run)


def test_bfloat16_computes_and_float32_is_kept(data, tmp_path: Path) -> None:
    spec = MODELS["ham_cnn28"]
    made = {}
    for precision in PRECISIONS:
        out = tmp_path / precision
        train(spec.name, [str(data["ham10000"])], epochs=1, steps=2, out=str(out), precision=precision)
        made[precision] = RunFolder(out)
    assert keras.config.dtype_policy().name == "float32"
    configs = {precision: read_json(run.config) for precision, run in made.items()}
    assert configs["mixed_bfloat16"]["precision"] == "mixed_bfloat16"
    assert "--precision mixed_bfloat16" in publish._command(configs["mixed_bfloat16"])
    assert "precision" not in configs["float32"]
    one, other = (evaluate.trained(spec, run).get_weights() for run in made.values())
    assert {weight.dtype.name for weight in other} == {"float32"}
    # The same steps, with fewer digits.
    losses = [run.state().history[0]["loss"] for run in made.values()]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)
    assert any((a != b).any() for a, b in zip(one, other, strict=True))
    with pytest.raises(SkinModelError, match="Received: other precision"):
        train(spec.name, [str(data["ham10000"])], epochs=1, steps=2, out=str(tmp_path / "mixed_bfloat16"), resume=True)


def test_probabilities_and_pictures_keep_their_digits(data) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    with _computed_in("mixed_bfloat16"):
        network = _network(MODELS["ham_cnn28"], RECIPES["ham_cnn28"], None, None)
        _layers.cache_clear()
        changed = augment(pixels, RECIPES["ham_cnn28"].augmentation, 5)
    assert network.layers[0].compute_dtype == "bfloat16"
    assert network.layers[-1].compute_dtype == "float32"
    assert np.abs(network.predict_on_batch(np.zeros((1, 28, 28, 3), np.float32)).sum() - 1) < 1e-6
    _layers.cache_clear()
    assert (changed == augment(pixels, RECIPES["ham_cnn28"].augmentation, 5)).all()


@pytest.mark.parametrize("name", ["kaggle_cnn_small", "ham_cnn28"])
def test_what_is_trained_is_published(name: str, data, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(tmp_path / "weights"))
    spec = MODELS[name]
    paths = [str(data[spec.dataset.key])]
    run = RunFolder(train(name, paths, epochs=1, steps=2, out=str(tmp_path / "run")))
    # As if it had been meant to go on: its rates would be other ones, unless they do not depend on how many epochs there are.
    config = read_json(run.config)
    longer = config | {"schedule": "full", "recipe": config["recipe"] | {"epochs": 2}}
    write_json(run.config, longer)
    with pytest.raises(SkinModelError, match="Expected a run of 2 epochs"):
        publish.publish(spec, run, paths)
    write_json(run.config, longer | {"recipe": longer["recipe"] | {"schedule": "constant"}})
    record = publish.publish(spec, run, paths)
    assert weights.check(name) == record
    assert record.training.schedule == "reduced"
    assert record.training.command.startswith(f"python -m training.train {name} --data {Path(paths[0]).name} ")
    assert "--epochs 1 --steps 2" in record.training.command
    other = config | {"versions": config["versions"] | {"backend": "torch"}}
    assert publish._command(other).startswith("KERAS_BACKEND=torch python -m training.train")
    assert {"test", "test_clean", "calibration", "conformal", "operating_points", "subgroups", "external"} <= set(
        record.content()
    )
    assert not list(
        figures.moved(
            computed_figures.computed(spec.labels, record_files.read_tables(name)),
            computed_figures.recorded(record),
        )
    )
    suffixes = ("calibration.csv", "external.csv", "json", "test.csv", "weights.h5")
    assert sorted(file.name for file in weights.folder().iterdir()) == [f"{name}.{suffix}" for suffix in suffixes]


def test_training_never_opens_the_test_part(data, tmp_path: Path, monkeypatch) -> None:
    opened: list[str] = []
    read = Root.read

    def noted(root: Root, name: str) -> bytes:
        opened.append(name)
        return read(root, name)

    monkeypatch.setattr(Root, "read", noted)
    train("kaggle_cnn_small", [str(data["kaggle"])], epochs=1, steps=1, out=str(tmp_path / "run"))
    assert opened
    assert not [name for name in opened if "test/" in name]


def test_killed_and_resumed_ends_as_if_never_stopped(data, ham_run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-m", "training.train", *command(out, data["ham10000"])],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 180
    while not (out / "state.json").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was over before it could be killed"
    done = RunFolder(out).state().epoch
    assert 1 <= done < EPOCHS
    assert main(command(out, data["ham10000"])) == 1, "without --resume a run is not overwritten"
    assert main(command(out, data["ham10000"], "--resume")) == 0
    resumed, whole = pd.read_csv(out / "history.csv"), pd.read_csv(ham_run.path / "history.csv")
    assert list(resumed["epoch"]) == list(range(1, EPOCHS + 1))
    # The same seed, so the same split and, but for sums in threads, which come in any order, the same figures.
    assert (out / "split.csv").read_text() == ham_run.split.read_text()
    assert np.allclose(resumed["loss"], whole["loss"], rtol=0.02)
    assert main(command(out, data["ham10000"], "--resume")) == 0, "a finished run is left as it is"
    assert len(pd.read_csv(out / "history.csv")) == EPOCHS


def test_resume_refuses_another_configuration(data, ham_run: RunFolder, capsys) -> None:
    assert main(command(ham_run.path, data["ham10000"], "--resume", "--seed", "1")) == 1
    assert "Received: other seed" in capsys.readouterr().err


def test_evaluate_adds_the_test_part_to_a_run(data, ham_run: RunFolder, capsys) -> None:
    assert evaluate.main(["ham_cnn28", "--data", str(data["ham10000"]), "--run", str(ham_run.path)]) == 0
    assert "balanced_accuracy" in capsys.readouterr().out
    kept = read_json(ham_run.path / "metrics.json")
    assert kept["validation"]["n"] > 0
    rows = pd.read_csv(ham_run.path / "test.csv")
    assert computed_figures.block(rows, MODELS["ham_cnn28"].labels) == kept["test"]


def test_evaluate_measures_published_weights_on_their_own_test_pictures(data, ham_run, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(tmp_path / "weights"))
    spec, paths = MODELS["ham_cnn28"], [str(data["ham10000"])]
    assert evaluate.main(["ham_cnn28", "--data", *paths]) == 1
    assert "are missing" in capsys.readouterr().err
    record = publish.publish(spec, ham_run, paths)
    assert evaluate.main(["ham_cnn28", "--data", *paths, "--out", str(tmp_path / "again")]) == 0
    assert read_json(tmp_path / "again" / "metrics.json")["test"] == record.held_out.content()
    listed = pd.read_csv(weights.folder() / "ham_cnn28.test.csv")
    fewer = [sample for sample in datasets.load(spec, paths) if sample.id != listed["id"][0]]
    with pytest.raises(SkinModelError, match=f"first {listed['id'][0]}"):
        evaluate.published_test(spec, fewer)


def test_published_figures_are_computed_again_from_weights_and_pictures(
    data, ham_run: RunFolder, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("SKINMODELS_WEIGHTS", str(tmp_path / "weights"))
    phones, others = drawn_data.pad_ufes(tmp_path / "phones"), drawn_data.melanoma(tmp_path / "others")
    paths = [str(path) for path in (data["ham10000"], phones, others)]
    record = publish.publish(MODELS["ham_cnn28"], ham_run, paths)
    assert {key: its.n + (its.left_out or 0) for key, its in record.external.items()} == {"siim": 24, "pad_ufes": 48}
    assert set(record.subgroups) == {"sex", "age_band", "site", "diagnosis_by"}
    assert record.calibration is not None
    assert record.calibration.n == record.split.n["calibration"]
    arguments = ["ham_cnn28", "--data", *paths]
    assert figures.main([*arguments, "--check"]) == 0
    assert figures.main([*arguments, "--check", "--first", "5"]) == 0

    file = weights.record_path("ham_cnn28")
    spoiled = json.loads(file.read_text())
    spoiled["calibration"]["temperature"] += 0.01
    file.write_text(json.dumps(spoiled))
    before = {path.name: path.read_bytes() for path in weights.folder().iterdir()}
    capsys.readouterr()
    assert figures.main([*arguments, "--check"]) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("ham_cnn28: calibration.temperature: ")
    assert {path.name: path.read_bytes() for path in weights.folder().iterdir()} == before
    assert figures.main(arguments) == 0
    assert weights.check("ham_cnn28") == record

    assert figures.main([*arguments[:3], "--check"]) == 1
    assert "Expected every set ham_cnn28 was measured on. Received: data without" in capsys.readouterr().err
    assert figures.main(["ham_cnn28", "--data", str(phones)]) == 1
    assert figures.main([*arguments, "--first", "5"]) == 1
    fewer = pd.read_csv(weights.folder() / "ham_cnn28.test.csv").assign(akiec=0.5)
    fewer.to_csv(weights.folder() / "ham_cnn28.test.csv", index=False)
    assert figures.main([*arguments, "--check", "--first", "5"]) == 1
    assert "is answered otherwise" in capsys.readouterr().err


def test_publish_refuses_a_run_of_another_network(data, ham_run: RunFolder) -> None:
    with pytest.raises(SkinModelError, match="Expected a run of isic_mobilenet"):
        publish.publish(MODELS["isic_mobilenet"], ham_run, [str(data["isic2019"])])


def test_publish_refuses_other_labels_and_other_pictures(data, ham_run: RunFolder, tmp_path: Path) -> None:

    copy = RunFolder(shutil.copytree(ham_run.path, tmp_path / "copy"))
    config = read_json(copy.config)
    copy.config.write_text(json.dumps(config | {"labels": config["labels"][::-1]}))
    with pytest.raises(SkinModelError, match="with labels"):
        publish.publish(MODELS["ham_cnn28"], copy, [str(data["ham10000"])])
    copy.config.write_text(json.dumps(config))
    copy.split.write_text(copy.split.read_text().replace(",test", ",train", 1))
    with pytest.raises(SkinModelError, match="Expected the pictures that"):
        publish.publish(MODELS["ham_cnn28"], copy, [str(data["ham10000"])])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no_such"], "Expected a model name, one of kaggle_cnn_large"),
        (["ham_cnn28", "--epochs", "0"], "Expected --epochs of at least 1. Received: 0"),
        (["ham_cnn28", "--steps", "-5"], "Expected --steps of at least 1. Received: -5"),
        (["ham_cnn28", "--seed", "-1"], "Expected --seed of at least 0. Received: -1"),
        (["isic_mobilenet", "--start", "no.h5"], "Expected a file of ImageNet weights at --start. Received: no.h5"),
        (["ham_cnn28", "--start", __file__], "Expected no --start, since ham_cnn28 starts from random weights"),
        (["kaggle_cnn_small"], "Expected folders train and test"),
    ],
)
def test_wrong_arguments_are_one_sentence(arguments: list[str], sentence: str, data, tmp_path: Path, capsys) -> None:
    assert main([*arguments, "--data", str(data["ham10000"]), "--out", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err.strip()
    assert said.startswith(sentence)
    assert "\n" not in said
    assert not (tmp_path / "run").exists()


def test_a_start_that_does_not_fit_leaves_the_way_free(data, starts: dict[str, str], tmp_path: Path, capsys) -> None:
    wrong = tmp_path / "wrong.weights.h5"
    MODELS["ham_cnn28"].build().save_weights(wrong)
    arguments = [
        "isic_mobilenet",
        "--data",
        str(data["isic2019"]),
        "--out",
        str(tmp_path / "run"),
        "--epochs",
        "1",
        "--steps",
        "1",
    ]
    assert main([*arguments, "--start", str(wrong)]) == 1
    assert "Expected ImageNet weights for isic_mobilenet" in capsys.readouterr().err
    folder = RunFolder(tmp_path / "run")
    assert folder.begin({"other": 1}, resume=False).epoch == 0


def test_resume_refuses_other_pictures(data, ham_run: RunFolder, tmp_path: Path, capsys) -> None:
    copy, fewer = tmp_path / "run", tmp_path / "fewer"
    shutil.copytree(ham_run.path, copy)
    shutil.copytree(data["ham10000"], fewer)
    table = pd.read_csv(fewer / "HAM10000_metadata.csv")
    table.iloc[::-1].to_csv(fewer / "HAM10000_metadata.csv", index=False)
    assert main(command(copy, fewer, "--resume")) == 1
    assert "Received: others, or in another order" in capsys.readouterr().err
    assert (copy / "split.csv").read_text() == ham_run.split.read_text()


def test_counters_of_early_stopping_outlive_an_interruption(tmp_path: Path) -> None:
    stopper = keras.callbacks.EarlyStopping("val_loss", patience=3)
    state = State()
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    save = SaveRun(RunFolder(tmp_path), state, "val_accuracy", [stopper], model)
    model.stop_training = False
    for callback in (stopper, save):
        callback.set_model(model)
        callback.on_train_begin()
    for epoch, loss in enumerate((1.0, 1.1, 1.2)):
        for callback in (stopper, save):
            callback.on_epoch_end(epoch, {"val_loss": loss, "val_accuracy": 0.5})
    again = keras.callbacks.EarlyStopping("val_loss", patience=3)
    again.on_train_begin()
    SaveRun(RunFolder(tmp_path), RunFolder(tmp_path).state(), "val_accuracy", [again], model).on_train_begin()
    assert (again.wait, again.best) == (2, 1.0)
    assert RunFolder(tmp_path).state().best_epoch == 1
    last = SaveRun(RunFolder(tmp_path), state, "last", [stopper], model)
    last.set_model(model)
    last.on_epoch_end(3, {"val_loss": 1.3, "val_accuracy": 0.4})
    assert RunFolder(tmp_path).state().best_epoch == 4


def pictures(n: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


def test_augmentation_follows_its_seed_and_stays_in_range() -> None:
    how = Augmentation(rotation=0.1, shift=0.1, zoom=0.2, shear=0.1, brightness=0.3, contrast=0.3, saturation=0.3, hue=0.1)
    same, again, other = (augment(np.repeat(pictures(1), 6, axis=0), how, seed) for seed in (1, 1, 2))
    assert np.array_equal(same, again)
    assert not np.allclose(same, other)
    assert not np.allclose(same[0], same[1]), "each picture is changed its own way"
    assert same.min() >= 0
    assert same.max() <= 255


def test_rotation_alone_turns_each_picture_its_own_way() -> None:
    how = Augmentation(turns=False, rotation=0.125, shift=0, zoom=0, brightness=0, contrast=0, saturation=0, hue=0)
    bar = np.zeros((1, 33, 33, 3), np.uint8)
    bar[:, 14:19, :16] = 255  # from the middle to the left, where an eighth of a turn leaves most of it
    first, second = augment(np.repeat(bar, 2, axis=0), how, 4)
    assert not np.allclose(first, second, atol=10)
    for picture in (first, second):
        assert picture[:, :16].mean() > picture[:, 17:].mean() + 5


def test_turns_alone_lose_no_pixel() -> None:
    how = Augmentation(shift=0, zoom=0, brightness=0, contrast=0, saturation=0, hue=0)
    given = pictures(32)
    for before, after in zip(given, augment(given, how, 3), strict=True):
        ways = [np.rot90(side, turn) for side in (before, before[:, ::-1]) for turn in range(4)]
        assert any(np.array_equal(way, after) for way in ways)


def test_sampling_evens_the_classes_and_threshold_cuts_them() -> None:
    classes = np.array([0] * 100 + [1] * 10 + [2] * 3)
    assert np.bincount(classes[Balance(classes, "oversample", 0, 0).pool(0)]).tolist() == [100, 100, 100]
    even = Balance(classes, "undersample", 0, 0)
    assert np.bincount(classes[even.pool(0)]).tolist() == [3, 3, 3]
    assert set(even.weights) == {1}
    cut = Balance(classes, "threshold", 20, 0)
    assert np.bincount(classes[cut.pool(0)]).tolist() == [20, 10, 3]
    assert cut.weights[[0, 100, 110]] == pytest.approx([1, 2, 20 / 3])
    assert set(cut.pool(0)) != set(cut.pool(1))


def test_an_epoch_depends_on_seed_and_number_alone() -> None:
    scale = MODELS["ham_cnn28"].preprocessing.scale

    def batches(epoch: int) -> Batches:
        given = Augmented(pictures(40), scale, Augmentation())
        return Batches(given, Balance(np.arange(40) % 2, "natural", 0, 0), 8, None, epoch, 0)

    on = batches(0)
    on.on_epoch_end()
    fresh = batches(1)
    assert len(on) == len(fresh) == 5
    for i in reversed(range(5)):
        for one, other in zip(on[i], fresh[i], strict=True):
            assert np.array_equal(one, other)
