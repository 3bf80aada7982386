"""Links: what goes in comes out, they stay short, and nothing that was made by hand gets through."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from skinmodels import permalinks
from skinmodels.compare import Answer
from skinmodels.errors import SkinModelError
from skinmodels.inference import Prediction
from skinmodels.registry import MODELS

DIGEST = "0123456789abcdef" * 4
TABS = ("kaggle", "ham10000", "isic2019", "compare", "batch", "models")
LONGEST = 2000


def answer(name: str, seed: int = 0, count: int | None = None) -> Answer:
    """An answer of random probabilities and random weights, which pack worse than any real ones."""
    rng = np.random.default_rng(seed)
    codes = MODELS[name].labels
    probabilities = dict(zip(codes, map(float, rng.dirichlet(np.ones(len(codes)))), strict=True))
    return Answer(name, Prediction(name, probabilities, Image.new("RGB", (32, 32)), 0.01), rng.bytes(32).hex())


def noise(seed: int = 0, side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8))


def packed(value: object, version: int = permalinks.VERSION) -> str:
    """A link with that JSON in it, as a hand could make it."""
    data = zlib.compress(value if isinstance(value, bytes) else json.dumps(value).encode(), 9)
    return "#result=" + base64.urlsafe_b64encode(bytes([version]) + data).decode().rstrip("=")


def read(fragment: str) -> permalinks.Result | permalinks.Place:
    return permalinks.read(fragment, TABS, 4)


def test_a_result_comes_back(drawn):
    found = [answer(name, seed) for seed, name in enumerate(MODELS)]
    result = read(permalinks.to_result(DIGEST, found) + permalinks.to_thumbnail(drawn(1)))
    assert isinstance(result, permalinks.Result)
    assert result.picture == DIGEST
    for saved, its in zip(result.answers, found, strict=True):
        assert (saved.name, saved.weights) == (its.name, its.weights_sha256[:8])
        assert its.prediction is not None
        assert saved.probabilities == pytest.approx(its.prediction.probabilities, abs=1e-6)
    assert result.thumbnail is not None
    small = np.asarray(drawn(1).resize((32, 32)), dtype=int)
    assert np.abs(np.asarray(result.thumbnail, dtype=int) - small).mean() < 12


def test_a_model_with_an_error_is_left_out():
    found = [answer("ham_cnn28"), Answer("isic_mobilenet", error="It is damaged.")]
    result = read(permalinks.to_result(DIGEST, found))
    assert isinstance(result, permalinks.Result)
    assert [saved.name for saved in result.answers] == ["ham_cnn28"]
    assert result.thumbnail is None


def test_all_models_stay_under_2000_characters(monkeypatch):
    """At worst: 16 models of seven classes with long names, every digit random, a thumbnail of noise, a long address."""
    seven = MODELS["ham_cnn28"]
    many = {f"reference_network_{i:02d}": dataclasses.replace(seven, name=f"reference_network_{i:02d}") for i in range(16)}
    monkeypatch.setattr(permalinks, "MODELS", many)
    monkeypatch.setitem(globals(), "MODELS", many)
    lengths = []
    for seed in range(20):
        found = [answer(name, 100 * seed + i) for i, name in enumerate(many)]
        fragment = permalinks.to_result(DIGEST, found) + permalinks.to_thumbnail(noise(seed))
        assert len(read(fragment).answers) == 16  # type: ignore[union-attr]
        lengths.append(len("https://a-rather-long-user-name-skinmodels.hf.space/") + len(fragment))
    print(f"longest link: {max(lengths)} characters")
    assert max(lengths) < LONGEST


@pytest.mark.parametrize("seed", range(5))
def test_thumbnails_stay_small_whatever_the_picture(seed):
    assert len(permalinks.to_thumbnail(noise(seed))) <= len("&thumbnail=") + 4 * permalinks.MAX_THUMBNAIL // 3 + 1


PLACES = [
    permalinks.Place("kaggle"),
    permalinks.Place("ham10000", "ham_cnn28"),
    permalinks.Place("compare", example=1),
    permalinks.Place("ham10000", "ham_cnn28", 4),
    permalinks.Place("models"),
]


@pytest.mark.parametrize("place", PLACES)
def test_a_place_comes_back(place):
    assert read(permalinks.to_place(place)) == place


ROW = ["ham_cnn28", "0123abcd", [1_000_000, 0, 0, 0, 0, 0, 0]]
GOOD = packed([DIGEST, [ROW]])

HAND_MADE = {
    "nothing": "#",
    "no fields": "#hello",
    "unknown field": "#color=red",
    "a field too many": GOOD + "&tab=kaggle",
    "a field twice": GOOD + "&" + GOOD[1:],
    "many fields": "#" + "&".join(f"tab{i}=1" for i in range(1000)),
    "no tab": "#model=ham_cnn28",
    "unknown tab": "#tab=<script>alert(1)</script>",
    "unknown model": "#tab=ham10000&model=<img src=x onerror=alert(1)>",
    "a model of another tab": "#tab=kaggle&model=ham_cnn28",
    "example 0": "#tab=kaggle&example=0",
    "example 5": "#tab=kaggle&example=5",
    "example 01": "#tab=kaggle&example=01",
    "example in other digits": "#tab=kaggle&example=\u0661",
    "no UTF-8": "#tab=%ff%fe",
    "no base64": "#result=@@@@",
    "other letters": "#result=\u00e4\u00f6",
    "empty": "#result=",
    "version 0": packed([DIGEST, [ROW]], version=0),
    "version 2": packed([DIGEST, [ROW]], version=2),
    "no zlib": "#result=" + base64.urlsafe_b64encode(b"\x01abcdefgh").decode(),
    "cut off": GOOD[:-12],
    "something behind": "#result=" + base64.urlsafe_b64encode(b"\x01" + zlib.compress(b"[]") + b"more").decode().rstrip("="),
    "a bomb": packed(b" " * 10_000_000),
    "just too large": packed(b" " * (permalinks.MAX_UNPACKED + 1)),
    "a long fragment": "#result=" + "A" * permalinks.MAX_FRAGMENT,
    "no JSON": packed(b"{"),
    "not UTF-8": packed(b"\xff\xff\xff"),
    "deeply nested": packed(b"[" * 60_000),
    "a number of many digits": packed(b"[" + b"9" * 60_000 + b"]"),
    "another shape": packed({"picture": DIGEST}),
    "no rows": packed([DIGEST, []]),
    "too many rows": packed([DIGEST, [ROW] * 100]),
    "a model twice": packed([DIGEST, [ROW, ROW]]),
    "a bad digest": packed([DIGEST[:-1] + "G", [ROW]]),
    "a digest with a line break": packed([DIGEST + "\n", [ROW]]),
    "a digest that is none": packed([5, [ROW]]),
    "a model that is not here": packed([DIGEST, [["<b>resnet</b>", "0123abcd", [500_000, 500_000]]]]),
    "a list as a name": packed([DIGEST, [[["ham_cnn28"], "0123abcd", ROW[2]]]]),
    "other labels": packed([DIGEST, [["ham_cnn28", "0123abcd", [500_000, 500_000]]]]),
    "weights in words": packed([DIGEST, [["ham_cnn28", "<script>", ROW[2]]]]),
    "a sum of 2": packed([DIGEST, [["ham_cnn28", "0123abcd", [1_000_000, 1_000_000, 0, 0, 0, 0, 0]]]]),
    "a sum of 0": packed([DIGEST, [["ham_cnn28", "0123abcd", [0] * 7]]]),
    "a negative share": packed([DIGEST, [["ham_cnn28", "0123abcd", [1_500_000, -500_000, 0, 0, 0, 0, 0]]]]),
    "a fraction": packed([DIGEST, [["ham_cnn28", "0123abcd", [1_000_000.0, 0, 0, 0, 0, 0, 0]]]]),
    "not a number": packed(f'["{DIGEST}", [["ham_cnn28", "0123abcd", [NaN, 0, 0, 0, 0, 0, 0]]]]'.encode()),
    "true": packed([DIGEST, [["ham_cnn28", "0123abcd", [True, 999_999, 0, 0, 0, 0, 0]]]]),
    "shares as text": packed([DIGEST, [["ham_cnn28", "0123abcd", "1000000"]]]),
}


def thumbnail(data: bytes) -> str:
    return GOOD + "&thumbnail=" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def encoded(image: Image.Image, form: str = "WEBP", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


HAND_MADE |= {
    "a thumbnail that is none": thumbnail(b"<svg onload=alert(1)>" * 3),
    "a thumbnail of another kind": thumbnail(encoded(Image.new("RGB", (32, 32)), "PNG")),
    "a thumbnail of another size": thumbnail(encoded(Image.new("RGB", (33, 32)))),
    "a huge thumbnail": thumbnail(encoded(Image.new("RGB", (8000, 6000)))[: permalinks.MAX_THUMBNAIL]),
    "a thumbnail without loss": thumbnail(encoded(Image.new("RGB", (32, 32)), lossless=True)),
    "a thumbnail cut off": thumbnail(encoded(noise(1, 32), quality=0)[:60]),
    "a heavy thumbnail": thumbnail(encoded(noise(1, 32), quality=100)),
}


def test_the_good_one_is_good():
    assert isinstance(read(GOOD), permalinks.Result)
    assert isinstance(read(thumbnail(encoded(Image.new("RGB", (32, 32))))), permalinks.Result)


@pytest.mark.parametrize("kind", HAND_MADE)
def test_what_was_made_by_hand_gives_one_sentence_that_repeats_nothing_of_it(kind):
    with pytest.raises(SkinModelError) as caught:
        read(HAND_MADE[kind])
    sentence = str(caught.value)
    assert sentence.startswith("Expected a link")
    assert "Received: one" in sentence
    assert "<" not in sentence
    assert "\n" not in sentence


def test_sentences_tell_old_from_oversized_from_gone():
    def sentence(kind: str) -> str:
        with pytest.raises(SkinModelError) as caught:
            read(HAND_MADE[kind])
        return str(caught.value)

    assert "older or newer version" in sentence("version 2")
    assert "far more than a result" in sentence("a bomb")
    assert "far more than a result" in sentence("a long fragment")
    assert "not here, or not any more" in sentence("a model that is not here")
    assert "cut off" in sentence("cut off")


def test_a_bomb_is_not_unpacked():
    data = zlib.compress(b"[" + b" " * 200_000_000, 9)
    fragment = "#result=" + base64.urlsafe_b64encode(b"\x01" + data[: permalinks.MAX_FRAGMENT // 2]).decode().rstrip("=")
    with pytest.raises(SkinModelError, match="far more than a result"):
        read(fragment)


def test_any_damage_gives_a_sentence_or_a_result():
    """Characters changed at random: never another error."""
    said = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        text = list(GOOD + permalinks.to_thumbnail(noise(seed)))
        for _ in range(rng.integers(1, 4)):
            text[rng.integers(len("#result="), len(text))] = chr(int(rng.integers(33, 127)))
        try:
            read("".join(text))
        except SkinModelError as error:
            said.append(str(error))
    assert len(said) > 100
    assert all(sentence.startswith("Expected a link") for sentence in said)


def test_a_thumbnail_that_lies_about_its_size_is_no_larger_than_it_says():
    data = encoded(Image.new("RGB", (200, 200)))
    patched = data[:26] + b"\x20\x00\x20\x00" + data[30:]
    try:
        result = read(thumbnail(patched[: permalinks.MAX_THUMBNAIL]))
    except SkinModelError:
        return
    assert isinstance(result, permalinks.Result)
    assert result.thumbnail is not None
    assert result.thumbnail.size == (32, 32)
