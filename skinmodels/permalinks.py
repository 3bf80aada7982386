"""Links that hold a result, or name a place on the page, in the fragment behind ``#``. Nothing of them is kept anywhere.

``#tab=<tab>&model=<name>&example=<number from 1>`` names a place; model and example may be left out.
``#result=<base64url>`` holds a result: a version byte, then packed with zlib the JSON
``[picture, [[model, weights, shares], ...]]``: the SHA-256 of the picture file's bytes, the first 8 hex digits of each weights
file's, and the probabilities in label order as whole millionths. ``&thumbnail=<base64url>`` may follow: a WebP file of 32x32
pixels.

Whoever hands on a link may have made it by hand: everything in it is checked against what there is, and no text of it is
ever handed on.
"""

from __future__ import annotations

import base64
import io
import json
import re
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from PIL import Image

from skinmodels.compare import Answer
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS

VERSION = 1
# Of what a link may hold when it is unpacked, and of the fragment itself.
MAX_UNPACKED = 64 * 1024
MAX_FRAGMENT = 16 * 1024

SIDE = 32
MAX_THUMBNAIL = 500
_QUALITIES = (70, 40, 20, 8, 2, 0)

_WHOLE = 1_000_000
_PICTURE = re.compile(r"[0-9a-f]{64}")
_WEIGHTS = re.compile(r"[0-9a-f]{8}")

_DAMAGED = 'Expected a link made by "Copy link" on this page. Received: one that is cut off, damaged or made by hand.'
_TOO_LARGE = 'Expected a link made by "Copy link" on this page. Received: one that holds far more than a result.'
_OTHER_VERSION = "Expected a link of this version of the page. Received: one that an older or newer version made."
_UNKNOWN_MODEL = (
    "Expected a link to a result of this page's models. Received: one of a model that is not here, or not any more."
)
_UNKNOWN_PLACE = "Expected a link to a tab, a model and an example of this page. Received: one to something that is not here."


@dataclass(frozen=True)
class Saved:
    """One model's answer as a link has it: 8 hex digits of the weights' SHA-256, probabilities 0..1 by label."""

    name: str
    weights: str
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Result:
    """What a link to a result holds. ``picture``: SHA-256 of the file; ``thumbnail``: RGB, 32x32, or None."""

    picture: str
    answers: tuple[Saved, ...]
    thumbnail: Image.Image | None = None


@dataclass(frozen=True)
class Place:
    """A tab, maybe one of its models, maybe a built-in example, counted from 1."""

    tab: str
    model: str | None = None
    example: int | None = None


def to_place(place: Place) -> str:
    """The fragment that names a place, with its ``#``."""
    parts = {"tab": place.tab, "model": place.model, "example": place.example}
    return "#" + urlencode({key: value for key, value in parts.items() if value is not None})


def to_result(picture: str, found: Sequence[Answer]) -> str:
    """The fragment that holds these answers, with its ``#``; models with an error are left out.

    Args:
        picture: SHA-256 of the picture file's bytes, 64 hex digits.
        found: the models' answers.
    """
    rows = [
        [answer.name, answer.weights_sha256[:8], [round(p * _WHOLE) for p in answer.prediction.probabilities.values()]]
        for answer in found
        if answer.prediction
    ]
    packed = zlib.compress(json.dumps([picture, rows], separators=(",", ":")).encode(), 9)
    return f"#result={_to_text(bytes([VERSION]) + packed)}"


def to_thumbnail(picture: Image.Image) -> str:
    """What is added to a result's fragment for a thumbnail of an RGB picture, at most 500 bytes before base64."""
    small = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    for quality in _QUALITIES:
        file = io.BytesIO()
        small.save(file, "WEBP", quality=quality)
        if file.tell() <= MAX_THUMBNAIL:
            return f"&thumbnail={_to_text(file.getvalue())}"
    # Noise in every pixel.
    return to_thumbnail(small.resize((4, 4), Image.Resampling.BOX))


def read(fragment: str, tabs: Collection[str], examples: int) -> Result | Place:
    """What a link's fragment says, with its ``#`` or without.

    Args:
        fragment: as it stands in the address.
        tabs: the tabs there are.
        examples: how many built-in examples there are.

    Raises:
        SkinModelError: damaged, of another version, too large, or of something that is not here. The sentence repeats nothing
            of the link.
    """
    if len(fragment) > MAX_FRAGMENT:
        raise SkinModelError(_TOO_LARGE)
    try:
        pairs = parse_qsl(fragment.removeprefix("#"), strict_parsing=True, max_num_fields=3, errors="strict")
    except ValueError:
        raise SkinModelError(_DAMAGED) from None
    parts = dict(pairs)
    if len(parts) == len(pairs) and "result" in parts and parts.keys() <= {"result", "thumbnail"}:
        picture, answers = _unpacked(parts["result"])
        return Result(picture, answers, _thumbnail(parts["thumbnail"]) if "thumbnail" in parts else None)
    if len(parts) == len(pairs) and "tab" in parts and parts.keys() <= {"tab", "model", "example"}:
        return _place(parts, tabs, examples)
    raise SkinModelError(_DAMAGED)


def _place(parts: dict[str, str], tabs: Collection[str], examples: int) -> Place:
    tab, model, example = parts["tab"], parts.get("model"), parts.get("example")
    known_model = model is None or (model in MODELS and MODELS[model].dataset.key == tab)
    known_example = example is None or example in {str(number) for number in range(1, examples + 1)}
    if tab not in tabs or not known_model or not known_example:
        raise SkinModelError(_UNKNOWN_PLACE)
    return Place(tab, model, int(example) if example else None)


def _unpacked(text: str) -> tuple[str, tuple[Saved, ...]]:
    data = _to_bytes(text)
    if not data:
        raise SkinModelError(_DAMAGED)
    if data[0] != VERSION:
        raise SkinModelError(_OTHER_VERSION)
    inflate = zlib.decompressobj()
    try:
        unpacked = inflate.decompress(data[1:], MAX_UNPACKED + 1)
    except zlib.error:
        raise SkinModelError(_DAMAGED) from None
    if len(unpacked) > MAX_UNPACKED:
        raise SkinModelError(_TOO_LARGE)
    if not inflate.eof or inflate.unused_data:
        raise SkinModelError(_DAMAGED)
    try:
        held = json.loads(unpacked)
    except (ValueError, RecursionError):
        raise SkinModelError(_DAMAGED) from None
    match held:
        case [str(picture), [_, *_] as rows] if _PICTURE.fullmatch(picture) and len(rows) <= len(MODELS):
            answers = tuple(_saved(row) for row in rows)
            if len({answer.name for answer in answers}) == len(answers):
                return picture, answers
    raise SkinModelError(_DAMAGED)


def _saved(row: Any) -> Saved:
    match row:
        case [str(name), str(weights), [*shares]] if _WEIGHTS.fullmatch(weights) and all(map(_is_share, shares)):
            if name not in MODELS or len(shares) != len(MODELS[name].labels):
                raise SkinModelError(_UNKNOWN_MODEL)
            # Each share was rounded by half a millionth at most.
            if abs(sum(shares) - _WHOLE) <= len(shares):
                return Saved(name, weights, {code: n / _WHOLE for code, n in zip(MODELS[name].labels, shares, strict=True)})
    raise SkinModelError(_DAMAGED)


def _is_share(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _WHOLE


def _thumbnail(text: str) -> Image.Image:
    data = _to_bytes(text)
    # The plain lossy kind that ``to_thumbnail`` writes has its size in these bytes: looked at before any decoder is.
    size = tuple(int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    if len(data) > MAX_THUMBNAIL or data[8:16] != b"WEBPVP8 " or size != (SIDE, SIDE):
        raise SkinModelError(_DAMAGED)
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
            image.load()
            if image.size == (SIDE, SIDE):
                return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError):
        # What Pillow's decoder raises for a damaged file.
        pass
    raise SkinModelError(_DAMAGED)


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _to_bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise SkinModelError(_DAMAGED) from None
