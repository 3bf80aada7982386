"""What fine-tuning needs beyond plain training: a start, frozen parts, smaller pictures first, averaged weights."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np
import pytest

from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.spec import ModelSpec, Preprocessing
from skinmodels.weights import load_file
from training.evaluate import trained
from training.fitting.augmentation import Augmentation
from training.fitting.batches import Balance
from training.fitting.callbacks import Averaged
from training.fitting.fit import adjusted, at_side, fit, of_member
from training.fitting.frozen import Cached, features, halves
from training.fitting.pretrained import load_start
from training.fitting.recipes import Recipe
from training.fitting.runs import FIRST, RunFolder, State

PREPROCESSING = Preprocessing(size=(16, 16), source_size=(16, 16), scaling="0..1")


def build() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.GlobalAveragePooling2D(name="average"),
            keras.layers.Dense(3, activation="softmax", name="classes"),
        ],
        name="tiny",
    )


SPEC = ModelSpec("tiny", "Tiny", None, MODELS["ham_cnn28"].dataset, ("a", "b", "c"), PREPROCESSING, build, 0)
RECIPE = Recipe(epochs=2, batch_size=4, steps=3, select="val_accuracy", augmentation=Augmentation(saturation=0, hue=0))


def pictures(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)


def parts() -> dict:
    return {"train": (pictures(20), np.arange(20) % 2), "validation": (pictures(8), np.arange(8) % 2)}


def weights_of(model: keras.Model) -> list[np.ndarray]:
    return [np.array(value) for value in model.get_weights()]


def test_halves_are_the_whole_and_share_its_weights() -> None:
    model = build()
    base, top = halves(model, "norm")
    values = PREPROCESSING.scale(pictures(3))
    assert np.allclose(top.predict_on_batch(base.predict_on_batch(values)), model.predict_on_batch(values), atol=1e-6)
    top.get_layer("classes").bias.assign([5.0, 0.0, 1.0])
    assert np.array(model.get_layer("classes").bias) == pytest.approx([5, 0, 1])


def test_features_are_computed_once_and_kept(tmp_path: Path) -> None:
    base, _ = halves(build(), "norm")
    file = tmp_path / "features.npy"
    (tmp_path / "features.npy.tmp").write_bytes(b"left by a run that was killed")
    first = features(base, pictures(40), PREPROCESSING, None, 0, file)
    assert first.shape == (40, 14, 14, 4)
    assert first.dtype == np.float16
    assert np.allclose(first, base.predict_on_batch(PREPROCESSING.scale(pictures(40))), atol=1e-2)
    assert list(tmp_path.iterdir()) == [file]
    # Other pictures are not asked for: the file stands.
    assert (features(base, pictures(40)[::-1], PREPROCESSING, None, 0, file) == first).all()
    changed = features(base, pictures(40), PREPROCESSING, RECIPE.augmentation, 1, tmp_path / "changed.npy")
    assert not np.allclose(changed, first, atol=1e-2)


def test_cached_copies_are_drawn_by_seed() -> None:
    cached = Cached([np.full((5, 2), copy, np.float16) + np.arange(5)[:, None] * 10 for copy in range(3)])
    rows = np.array([4, 0, 4, 2, 1, 3] * 10)
    drawn = cached(rows, 7)
    assert drawn.dtype == np.float32
    assert (drawn[:, 0] // 10 == rows).all()
    assert set(drawn[:, 0] % 10) == {0, 1, 2}
    assert (drawn == cached(rows, 7)).all()
    assert (drawn != cached(rows, 8)).any()


def test_frozen_part_stays_as_it_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    start = tmp_path / "start.weights.h5"
    model = build()
    model.save_weights(start)
    fit(SPEC, replace(RECIPE, frozen="norm", copies=1), folder, State(), parts(), 0, before=start)
    kept = build()
    kept.load_weights(folder.path / folder.state().best)
    before, after = weights_of(model), weights_of(kept)
    assert all((a == b).all() for a, b in zip(before[:6], after[:6], strict=True))
    assert not np.allclose(before[6], after[6])
    assert len(list(tmp_path.glob("features-*.npy"))) == 3
    folder.drop_features()
    assert not list(tmp_path.glob("features-*"))


def test_smaller_pictures_first_then_the_same_weights() -> None:
    small = at_side(SPEC, 8)
    assert small.preprocessing.size == (8, 8)
    model = small.build()
    assert model.input_shape == (None, 8, 8, 3)
    assert [value.shape for value in weights_of(model)] == [value.shape for value in weights_of(build())]
    assert at_side(SPEC, None) is SPEC


def test_weights_trained_at_another_size_load_back(tmp_path: Path) -> None:
    spec = MODELS["isic_mobilenet"]
    small = at_side(spec, 32).build()
    small.save_weights(tmp_path / "small.weights.h5")
    whole = spec.build()
    whole.load_weights(tmp_path / "small.weights.h5")
    assert all((a == b).all() for a, b in zip(weights_of(small), weights_of(whole), strict=True))


def test_a_second_part_goes_on_from_the_first(tmp_path: Path) -> None:
    model = build()
    model.save_weights(tmp_path / "first.weights.h5")
    folder = RunFolder(tmp_path)
    fit(SPEC, replace(RECIPE, learning_rate=0.0, epochs=1), folder, State(), parts(), 0, before=tmp_path / "first.weights.h5")
    gone_on = build()
    gone_on.load_weights(folder.path / folder.state().best)
    trained = [name for name, variable in zip(range(99), model.trainable_variables, strict=False) if variable is not None]
    for number in trained:
        a, b = model.trainable_variables[number], gone_on.trainable_variables[number]
        assert (np.array(a) == np.array(b)).all()


def build_mean() -> keras.Model:
    picture = keras.Input((16, 16, 3))
    members = [keras.models.clone_model(build()) for _ in range(2)]
    for name, member in zip(("one", "other"), members, strict=True):
        member.name = name
    return keras.Model(picture, keras.layers.Average()([member(picture) for member in members]))


def test_a_network_that_is_a_mean_takes_each_member_from_its_own_run(tmp_path: Path) -> None:
    spec = replace(SPEC, build=build_mean)
    alone = {}
    for path, layer in ((tmp_path / FIRST, "one"), (tmp_path, "other")):
        folder, member = RunFolder(path), of_member(spec, layer)
        recipe = replace(RECIPE, member=layer, first=replace(RECIPE, member="one"))
        state = folder.begin({"name": "tiny", "params": 0, "labels": list("abc"), "recipe": asdict(recipe)}, resume=False)
        fit(member, recipe, folder, state, parts(), 0)
        alone[layer] = load_file(member, folder.path / folder.state().best)
    model = trained(spec, RunFolder(tmp_path))
    for layer, member in alone.items():
        assert all((a == b).all() for a, b in zip(weights_of(member), weights_of(model.get_layer(layer)), strict=True))
    values = PREPROCESSING.scale(pictures(5))
    mean = (alone["one"].predict_on_batch(values) + alone["other"].predict_on_batch(values)) / 2
    assert np.allclose(model.predict_on_batch(values), mean, atol=1e-6)
    assert not np.allclose(mean, alone["other"].predict_on_batch(values), atol=1e-4)


def test_what_is_saved_is_the_average_and_training_goes_on_with_the_weights(tmp_path: Path) -> None:
    model = build()
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "sparse_categorical_crossentropy")
    values, truth = PREPROCESSING.scale(pictures(8)), np.arange(8) % 2
    for _ in range(3):
        model.train_on_batch(values, truth)
    averaged = Averaged(resumed=False)
    averaged.set_model(model)
    weights, average = (
        [np.array(v) for v in its]
        for its in (model.optimizer._trainable_variables, model.optimizer._model_variables_moving_average)
    )
    assert not np.allclose(weights[0], average[0])
    averaged.on_epoch_end(0)
    assert np.allclose(np.array(model.trainable_variables[0]), average[0])
    averaged.on_epoch_begin(1)
    assert np.allclose(np.array(model.trainable_variables[0]), weights[0])


def test_class_weights_make_classes_count_alike() -> None:
    classes = np.array([0] * 30 + [1] * 10)
    balance = Balance(classes, "weights", 0, 0)
    assert balance.weights[:30].sum() == pytest.approx(balance.weights[30:].sum())
    assert balance.weights.mean() == pytest.approx(1)
    assert list(balance.pool(0)) == list(range(40))


def test_imagenet_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "start.npz", conv0_weight=np.zeros((7, 7, 3, 64)))
    with pytest.raises(SkinModelError, match="Expected ImageNet weights for tiny up to norm"):
        load_start(build(), "norm", str(tmp_path / "start.npz"))
    with pytest.raises(SkinModelError, match="Keras has no ImageNet weights for tiny"):
        load_start(build(), "norm", None)


def test_an_adjusted_loss_is_least_where_equal_classes_would_be_right() -> None:
    shares = np.array([0.9, 0.1])
    loss = adjusted(keras.losses.get("categorical_crossentropy"), shares)
    # Of pictures that tell nothing, as many are of each class as its share says.
    truth = np.repeat(np.eye(2, dtype=np.float32), [9, 1], axis=0)

    def mean(first: float) -> float:
        return float(np.mean(loss(truth, np.tile(np.array([first, 1 - first], np.float32), (10, 1)))))

    assert min((mean(first), first) for first in np.linspace(0.05, 0.95, 19))[1] == pytest.approx(0.5)
    assert mean(0.5) == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-5)
