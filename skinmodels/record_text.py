"""Records as files: read with a sentence for what is wrong, written so that a person can read and compare them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from skinmodels.errors import SkinModelError
from skinmodels.measured import Part

P = TypeVar("P", bound=Part)


def parsed(kind: type[P], text: str | bytes, file: str) -> P:
    """A record of that kind from its JSON. Raises SkinModelError that names the file and the first field that is wrong."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise SkinModelError(_sentence(error, file)) from None


def _sentence(error: ValidationError, file: str) -> str:
    """The first thing that is wrong."""
    first = error.errors(include_url=False, include_context=False)[0]
    field, said = ".".join(str(step) for step in first["loc"]), first["msg"]
    if first["type"] == "value_error":
        return f"Expected {said.removeprefix('Value error, ')} in {file} to be by the record's labels. Received: other labels"
    if not field:
        return f"Expected a JSON object in {file}. Received: {said if first['type'] == 'json_invalid' else 'something else'}"
    if first["type"] == "missing":
        return f"Expected {field} in {file}. Received: none"
    wanted = (
        f"to be {said.removeprefix('Input should be ')}" if said.startswith("Input should be ") else f"that is valid ({said})"
    )
    return f"Expected {field} in {file} {wanted}. Received: {first['input']!r:.60}"


def of(kind: type[P], content: Mapping[str, Any]) -> P:
    """A record, or a part of one, from what was just computed. Raises SkinModelError where it is none, as with a NaN."""
    return parsed(kind, json.dumps(dict(content)), "what was computed")


def written(content: Any) -> str:
    """JSON to be read and compared line by line: a list of numbers, or a row of them in a list, is one line."""
    return "".join(_pieces(content, 0)) + "\n"


def write(path: Path, record: Part) -> None:
    """Write a record, beside and renamed."""
    beside = path.with_name(path.name + ".tmp")
    beside.write_text(written(record.content()), encoding="utf-8", newline="\n")
    os.replace(beside, path)


def _pieces(value: Any, depth: int) -> list[str]:
    if not isinstance(value, dict | list) or not value or _numbers(value):
        return [json.dumps(value)]
    pad, last = "\n" + " " * (depth + 1), "\n" + " " * depth
    if isinstance(value, dict):
        members = [[f"{json.dumps(key)}: ", *_pieces(its, depth + 1)] for key, its in value.items()]
        first, end = "{", "}"
    else:
        members = [[json.dumps(its)] if _row(its) else _pieces(its, depth + 1) for its in value]
        first, end = "[", "]"
    pieces = [first]
    for i, member in enumerate(members):
        pieces += ["," if i else "", pad, *member]
    return [*pieces, last, end]


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(its is None or isinstance(its, int | float) for its in value)


def _row(value: Any) -> bool:
    return isinstance(value, dict) and _numbers(list(value.values()))
