"""One picture's answer by one model as a row, and how rows are written: CSV, JSON, JSON Lines.

CSV: UTF-8, one row a picture and model, a column ``p_<code>`` for each label of any of the models. A name that a spreadsheet
could take for a formula (its first visible character is one of = + - @) has ``./`` before it, which is the same path.
Probabilities have six digits behind the point.
JSON: an array of objects, one a line. JSON Lines: the same objects without brackets and commas. No line holds part of a row.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from skinmodels.registry import MODELS

# The endings of files of rows.
SUFFIXES = (".csv", ".json", ".jsonl")

# Also their full-width forms, which some spreadsheets take for the same.
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_EMPTY_SET = "(none)"
# Probabilities are written with this many digits behind the point: a network's answer to the same picture differs in the last
# of them, by the company the picture had.
_DIGITS = 6


@dataclass(frozen=True)
class Row:
    """What one model makes of one picture, or why the picture could not be read.

    Attributes:
        file: the picture's name.
        sha256: of the picture file's bytes, 64 hex digits; empty where they could not be read.
        model, weights_sha256: who answered; both empty for a picture that could not be read, which has one row in all.
        probabilities: calibrated, 0..1 by label, in label order; empty where there is an error.
        malignancy: probability of malignancy, 0..1, see ``labels.MALIGNANT``; None where there is an error.
        conformal: labels in the prediction set, None where the model has none.
        versions: of the libraries that took part.
        error: one sentence, empty where all went well.
    """

    file: str
    sha256: str = ""
    model: str = ""
    weights_sha256: str = ""
    probabilities: dict[str, float] = field(default_factory=dict)
    malignancy: float | None = None
    conformal: tuple[str, ...] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def top(self) -> str:
        """The most probable label, empty where there is an error."""
        return max(self.probabilities, key=self.probabilities.__getitem__, default="")


def as_json(row: Row) -> dict[str, Any]:
    """The row as JSON knows it."""
    return {
        "file": row.file,
        "sha256": row.sha256,
        "model": row.model,
        "weights_sha256": row.weights_sha256,
        "top": row.top,
        "probabilities": {code: _number(share) for code, share in row.probabilities.items()},
        "malignancy": None if row.malignancy is None else _number(row.malignancy),
        "conformal": None if row.conformal is None else list(row.conformal),
        "versions": row.versions,
        "error": row.error,
    }


def from_json(values: dict[str, Any]) -> Row:
    """The row that ``as_json`` gave."""
    chosen = {key: value for key, value in values.items() if key != "top"}
    conformal = chosen.pop("conformal")
    return Row(**chosen, conformal=None if conformal is None else tuple(conformal))


def columns(models: Iterable[str]) -> list[str]:
    """The columns of a CSV of these models' rows."""
    codes = dict.fromkeys(code for name in models for code in MODELS[name].labels)
    first = ["file", "sha256", "model", "weights_sha256", "top", "malignancy", "conformal"]
    return [*first, *(f"p_{code}" for code in codes), "versions", "error"]


def from_csv(values: dict[str, str]) -> Row:
    """The row of a CSV line by column."""
    codes = MODELS[values["model"]].labels if values["model"] else ()
    conformal = values["conformal"]
    return Row(
        file=values["file"].removeprefix("./"),
        sha256=values["sha256"],
        model=values["model"],
        weights_sha256=values["weights_sha256"],
        probabilities={code: float(values[f"p_{code}"]) for code in codes},
        malignancy=float(values["malignancy"]) if values["malignancy"] else None,
        conformal=None if not conformal else () if conformal == _EMPTY_SET else tuple(conformal.split()),
        versions={
            name: version for name, _, version in (part.rpartition(" ") for part in values["versions"].split("; ")) if name
        },
        error=values["error"],
    )


def text(rows: Iterable[Row], models: Sequence[str], suffix: str) -> Iterator[str]:
    """A whole file of these models' rows, in pieces; ``suffix`` is one of ``SUFFIXES``."""
    names = columns(models)
    yield head(names, suffix)
    for i, row in enumerate(rows):
        yield line(row, names, suffix, first=i == 0)
    yield tail(suffix)


def head(names: Sequence[str], suffix: str) -> str:
    """What a file of rows begins with: for a CSV the line of its columns ``names``."""
    return {".csv": _csv_line(names), ".json": "[\n", ".jsonl": ""}[suffix]


def line(row: Row, names: Sequence[str], suffix: str, first: bool) -> str:
    """The row as one line of a file of that ending. Commas of an array stand first, so that a line that ends is whole."""
    if suffix == ".csv":
        return _csv_line(_cells(row, names))
    return f"{',' if suffix == '.json' and not first else ''}{json.dumps(as_json(row), ensure_ascii=False)}\n"


def tail(suffix: str) -> str:
    """What a finished file of rows ends with."""
    return "]\n" if suffix == ".json" else ""


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    values: dict[str, str] = {
        "file": f"./{row.file}" if row.file.lstrip().startswith(_FORMULA) else row.file,
        "sha256": row.sha256,
        "model": row.model,
        "weights_sha256": row.weights_sha256,
        "top": row.top,
        "malignancy": "" if row.malignancy is None else str(_number(row.malignancy)),
        "conformal": "" if row.conformal is None else " ".join(row.conformal) or _EMPTY_SET,
        **{f"p_{code}": str(_number(share)) for code, share in row.probabilities.items()},
        "versions": "; ".join(f"{library} {version}" for library, version in row.versions.items()),
        "error": row.error,
    }
    return [values.get(name, "") for name in names]


def _number(value: float) -> float:
    return round(value, _DIGITS)


def _csv_line(values: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(values)
    return written.getvalue()
