"""What the networks see, pixel by pixel, against a reference written from the definition of the filter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from skinmodels.registry import MODELS
from skinmodels.spec import Preprocessing


def reference_resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Antialiased bilinear resize of (height, width, 3) uint8: a triangle as wide as the reduction, width first.

    Each pass rounds to whole grey levels, halves upwards, as a resize that works on bytes does.
    """
    for axis, to in ((1, size[1]), (0, size[0])):
        if pixels.shape[axis] == to:
            continue
        step = pixels.shape[axis] / to
        reach = max(step, 1.0)
        middles = (np.arange(to)[:, None] + 0.5) * step
        sources = np.arange(pixels.shape[axis])[None, :] + 0.5
        shares = np.clip(1 - np.abs((sources - middles) / reach), 0, None)
        shares /= shares.sum(axis=1, keepdims=True)
        lines = np.tensordot(shares, np.moveaxis(pixels.astype(np.float64), axis, 0), axes=1)
        pixels = np.moveaxis(np.clip(np.floor(lines + 0.5), 0, 255), 0, axis).astype(np.uint8)
    return pixels


def reference_view(preprocessing: Preprocessing, pixels: np.ndarray) -> np.ndarray:
    first = tuple(min(have, most) for have, most in zip(pixels.shape[:2], preprocessing.source_size, strict=True))
    return reference_resize(reference_resize(pixels, first), preprocessing.size)


def squashing(name: str) -> Preprocessing:
    """The model's preprocessing up to where a histogram is equalised, which has tests of its own."""
    return replace(MODELS[name].preprocessing, equalised=False)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [(224, 224), (450, 600), (301, 173), (40, 900), (20, 17)])
def test_view_equals_the_reference(name, size, drawn):
    preprocessing = squashing(name)
    picture = drawn(7, size)
    ours = preprocessing.pixels(picture).astype(int)
    difference = np.abs(ours - reference_view(preprocessing, np.asarray(picture)))
    assert ours.shape == (*preprocessing.size, 3)
    # One level: the resize works with weights in fixed point.
    assert difference.max() <= 1
    assert difference.mean() < 0.02


@pytest.mark.parametrize("name", MODELS)
def test_noise_and_edges_equal_the_reference(name):
    """Full contrast pixel by pixel, where any other filter shows at once."""
    preprocessing = squashing(name)
    pixels = np.random.default_rng(0).choice([0, 255], (260, 330, 3)).astype(np.uint8)
    difference = np.abs(preprocessing.pixels(Image.fromarray(pixels)).astype(int) - reference_view(preprocessing, pixels))
    # One level, as above; where two reductions follow each other, at very few pixels two.
    assert difference.max() <= 2
    assert (difference > 1).mean() < 1e-4
    assert difference.mean() < 0.05


@pytest.mark.parametrize("name", MODELS)
def test_a_picture_of_the_right_size_is_left_alone(name, drawn):
    preprocessing = squashing(name)
    picture = drawn(8, preprocessing.size)
    if preprocessing.size <= preprocessing.source_size:
        assert (preprocessing.pixels(picture) == np.asarray(picture)).all()
    else:
        # No more is kept of it than the training pictures had, before it is enlarged again.
        reduced = drawn(8, preprocessing.size).resize(preprocessing.source_size[::-1], Image.Resampling.BILINEAR)
        assert (preprocessing.pixels(picture) == preprocessing.pixels(reduced)).all()


@pytest.mark.parametrize(("scaling", "formula"), [("0..1", lambda v: v / 255), ("-1..1", lambda v: v / 127.5 - 1)])
def test_scaling(scaling, formula):
    preprocessing = Preprocessing(size=(16, 16), source_size=(16, 16), scaling=scaling)
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    before = pixels.copy()
    values = preprocessing.scale(pixels)
    assert values.dtype == np.float32
    assert np.abs(values - formula(np.arange(256).reshape(16, 16))).max() < 1e-6
    assert (values.min(), values.max()) == ((0.0, 1.0) if scaling == "0..1" else (-1.0, 1.0))
    assert (pixels == before).all()


def test_imagenet_scaling():
    preprocessing = Preprocessing(size=(1, 2), source_size=(1, 2), scaling="imagenet")
    black, white = preprocessing.scale(np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8))[0]
    # The mean and spread that ImageNet's networks are trained with, typed a second time on purpose.
    assert black == pytest.approx([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225], abs=1e-6)
    assert white == pytest.approx([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225], abs=1e-6)


def test_equalising_spreads_brightness_and_keeps_colours():
    plain = Preprocessing(size=(64, 64), source_size=(64, 64), scaling="0..1")
    equalised = replace(plain, equalised=True)
    random = np.random.default_rng(0)
    # Pale and of little contrast, as dermoscopy often is.
    picture = Image.fromarray((np.array([180, 150, 140]) + random.normal(0, 6, (64, 64, 1))).clip(0, 255).astype(np.uint8))
    before, after = (np.asarray(its.picture(picture).convert("YCbCr"), float) for its in (plain, equalised))
    assert before[..., 0].std() < 10
    # Spread evenly over 0..255, brightness has this standard deviation.
    assert after[..., 0].std() == pytest.approx(255 / np.sqrt(12), rel=0.1)
    assert np.abs(np.median(after[..., 1:], (0, 1)) - np.median(before[..., 1:], (0, 1))).max() < 6
    assert "histogram equalised" in equalised.words((64, 64))
    assert "equalised" not in plain.words((64, 64))


def test_scaling_leaves_float_arguments_alone():
    preprocessing = MODELS["isic_mobilenet"].preprocessing
    values = np.full((2, 64, 64, 3), 200, np.float32)
    preprocessing.scale(values)
    assert (values == 200).all()


def test_the_picture_given_is_left_alone(drawn):
    picture = drawn(9)
    before = np.asarray(picture).copy()
    for spec in MODELS.values():
        spec.preprocessing.pixels(picture)
    assert (np.asarray(picture) == before).all()


def test_words_tell_enlarging_from_squashing():
    words = MODELS["siim_cnn_v2"].preprocessing.words
    assert words((300, 300)).startswith("enlarged to 500x500")
    assert words((450, 600)).startswith("reduced to 300x300, enlarged to 500x500")
    assert MODELS["isic_mobilenet"].preprocessing.words((224, 224)).startswith("squashed to 64x64")
