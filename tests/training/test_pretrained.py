"""The ImageNet weights that networks start from."""

from __future__ import annotations

from pathlib import Path

import drawn_data
import keras
import numpy as np
import pytest

from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.weights import load_file
from training import publish
from training.evaluation.measure import checkpoint
from training.fitting.fit import at_side
from training.fitting.pretrained import for_scaled_rgb, keys, load_start
from training.fitting.recipes import recipe_for
from training.fitting.runs import RunFolder, read_json
from training.train import main, train

LAST = "stage3_unit6_add"


def base_of(model: keras.Model) -> keras.Model:
    return keras.Model(model.inputs, model.get_layer(LAST).output)


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """Random arrays under the names of the ONNX model zoo, each in its shape."""
    random = np.random.default_rng(0)
    return {
        key: random.uniform(0.5, 1.5, weight.shape).astype(np.float16)
        for layer in base_of(MODELS["isic_resnet50"].build()).layers
        if layer.weights
        for key, weight in zip(keys(layer.name), layer.weights, strict=True)
    }


def test_resnet_takes_every_array_once(arrays, tmp_path: Path) -> None:
    np.savez(tmp_path / "start.npz", **arrays)
    model = MODELS["isic_resnet50"].build()
    load_start(model, LAST, str(tmp_path / "start.npz"))
    weights = [weight for layer in base_of(model).layers for weight in layer.weights]
    assert len(weights) == len(arrays) == 4 + 4 + 1 + 13 * 15 + 3
    assert sum(float(np.sum(arrays[key].astype(np.float64))) for key in arrays) == pytest.approx(
        sum(float(np.sum(keras.ops.convert_to_numpy(weight).astype(np.float64))) for weight in weights), rel=1e-6
    )
    kernel = keras.ops.convert_to_numpy(model.get_layer("stage2_unit1_shortcut").kernel)
    assert (kernel == arrays["stage2_conv3_weight"].astype(np.float32)).all()
    kernel = keras.ops.convert_to_numpy(model.get_layer("stage3_unit2_conv1").kernel)
    assert (kernel == arrays["stage3_conv4_weight"].astype(np.float32)).all()


def test_names_are_those_of_the_model_zoo(arrays) -> None:
    """Each stage counts its convolutions and norms from 0, its first unit's projection after that unit's three."""
    expected = {"conv0": (7, 7, 3, 64), "batchnorm0": (3,), "batchnorm1": (64,)}
    before = 64
    for stage, (units, channels) in enumerate(((3, 64), (4, 128), (6, 256)), start=1):
        for unit in range(units):
            inside = 4 * channels if unit else before
            first = 3 * unit + (unit > 0)
            shapes = ((1, 1, inside, channels), (3, 3, channels, channels), (1, 1, channels, 4 * channels))
            expected |= {f"stage{stage}_conv{first + i}": shape for i, shape in enumerate(shapes)}
            widths = (inside, channels, channels)
            expected |= {f"stage{stage}_batchnorm{3 * unit + i}": (width,) for i, width in enumerate(widths)}
        expected[f"stage{stage}_conv3"] = (1, 1, before, 4 * channels)
        before = 4 * channels
    norm = ("gamma", "beta", "running_mean", "running_var")
    named = {
        f"{name}_{part}": shape for name, shape in expected.items() for part in (norm if "batchnorm" in name else ("weight",))
    }
    assert {name: array.shape for name, array in arrays.items()} == named


def test_a_pre_activation_unit_by_hand() -> None:
    """Norm and relu first, the shortcut behind them, strides in the 3x3 convolution, symmetric padding."""
    model = MODELS["isic_resnet50"].build()
    before, after = model.get_layer("stage1_unit3_add").output, model.get_layer("stage2_unit1_add").output
    unit = keras.Model(before, after)
    values = np.random.default_rng(1).normal(size=(1, 16, 16, 256)).astype(np.float32)
    weights = {layer.name: [np.array(keras.ops.convert_to_numpy(w)) for w in layer.weights] for layer in unit.layers}

    def active(x: np.ndarray, name: str) -> np.ndarray:
        gamma, beta, mean, variance = weights[f"stage2_unit1_{name}"]
        return np.maximum((x - mean) / np.sqrt(variance + 1e-5) * gamma + beta, 0)

    first = active(values, "norm1")
    shortcut = first[:, ::2, ::2] @ weights["stage2_unit1_shortcut"][0][0, 0]
    inner = active(first @ weights["stage2_unit1_conv1"][0][0, 0], "norm2")
    padded = np.pad(inner, ((0, 0), (1, 1), (1, 1), (0, 0)))
    kernel = weights["stage2_unit1_conv2"][0]
    strided = sum(padded[:, i : i + 16 : 2, j : j + 16 : 2] @ kernel[i, j] for i in range(3) for j in range(3))
    expected = active(strided, "norm3") @ weights["stage2_unit1_conv3"][0][0, 0] + shortcut
    assert np.allclose(unit.predict_on_batch(values), expected, atol=1e-3)


def test_vgg_gives_keras_answers_with_its_weights() -> None:
    theirs = keras.applications.VGG16(input_shape=(64, 64, 3), include_top=False, weights=None)
    model = MODELS["ham_vgg16"].build()
    ours = keras.Model(model.inputs, model.get_layer("block5_pool").output)
    assert ours.count_params() == 14_714_688
    ours.set_weights(for_scaled_rgb(theirs.get_weights()))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
    expected = theirs.predict_on_batch(keras.applications.vgg16.preprocess_input(pixels.copy()))
    small = keras.models.clone_model(ours, input_tensors=[keras.Input((64, 64, 3))])
    small.set_weights(ours.get_weights())
    answered = small.predict_on_batch(MODELS["ham_vgg16"].preprocessing.scale(pixels))
    assert np.abs(expected).max() > 0.1
    assert np.allclose(answered, expected, atol=0.01 * np.abs(expected).max())


def test_vgg_from_imagenet_is_trained_behind_its_fourth_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = at_side(MODELS["ham_vgg16"], 32)
    monkeypatch.setitem(MODELS, spec.name, spec)
    theirs = keras.applications.VGG16(input_shape=(32, 32, 3), include_top=False, weights=None)
    asked: list[str | None] = []

    def downloaded(input_shape: tuple, include_top: bool, weights: str | None) -> keras.Model:
        asked.append(weights)
        return theirs

    monkeypatch.setattr(keras.applications, "VGG16", downloaded)
    data = drawn_data.ham10000(tmp_path / "data")
    run = RunFolder(train(spec.name, [str(data)], epochs=1, steps=2, out=str(tmp_path / "run"), imagenet=True))
    assert asked == ["imagenet"]
    config = read_json(run.config)
    assert config["imagenet"] is True
    assert "--imagenet" in publish._command(config)
    kept = load_file(spec, checkpoint(spec, run))
    start = for_scaled_rgb(theirs.get_weights())
    frozen = [weight for layer in kept.layers if layer.name < "block5" for weight in layer.get_weights()]
    assert len(frozen) == 20
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(frozen, start, strict=False))
    assert not np.allclose(kept.get_layer("block5_conv3").kernel, start[-2], atol=1e-6)


def test_other_networks_have_no_such_recipe() -> None:
    with pytest.raises(SkinModelError, match=r"Expected --imagenet for ham_vgg16 alone\. Received: ham_cnn28"):
        recipe_for("ham_cnn28", imagenet=True)


def test_both_kinds_of_start_at_once_are_refused(tmp_path: Path, capsys) -> None:
    (tmp_path / "vgg.weights.h5").touch()
    command = ["ham_vgg16", "--data", str(tmp_path), "--imagenet", "--start", str(tmp_path / "vgg.weights.h5")]
    assert main(command) == 1
    assert "Expected --imagenet, which downloads Keras's weights, or --start FILE" in capsys.readouterr().err
