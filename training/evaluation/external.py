"""What a model makes of pictures of other sets than its own: the malignancy axis, and diagnoses where labels match."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from skinmodels.calibration import scaled
from skinmodels.labels import MALIGNANT
from skinmodels.sources import ALL
from training.evaluation import malignancy
from training.evaluation.subgroups import accuracies

# For each code of a set the codes of models that mean the same. HAM10000's akiec is actinic keratosis or Bowen's disease:
# an actinic keratosis is one, but akiec is not AK, which ISIC 2019 keeps apart. Its SCC has no counterpart in HAM10000.
_SAME = {
    "akiec": {"akiec"},
    "AK": {"AK", "akiec"},
    "SCC": {"SCC"},
    "benign": {"benign"},
    "malignant": {"malignant"},
} | {code: {code.lower(), code.upper()} for name in ("bcc", "bkl", "df", "mel", "nv", "vasc") for code in (name, name.upper())}


def is_malignant(codes: Sequence[str], set_key: str) -> np.ndarray:
    """The truth on the malignancy axis, (n,) of bool, from a set's own codes; PAD-UFES-20's ACK counts as AK does."""
    return np.array([_common(code, set_key) in MALIGNANT for code in codes], dtype=bool)


def counterpart(code: str, set_key: str, labels: Sequence[str]) -> str | None:
    """The model's label for a code of that set, or None where it has none."""
    same = _SAME.get(_common(code, set_key), set())
    return next((label for label in labels if label in same), None)


def _common(code: str, set_key: str) -> str:
    return dict(ALL[set_key].common).get(code, code)


def block(labels: Sequence[str], rows: pd.DataFrame, temperature: float) -> dict[str, dict]:
    """The ``external`` of a record from a table as in ``weights/<name>.external.csv``, by key of the set.

    Args:
        labels: the model's class codes.
        rows: set, id, group, label (the set's own code), fitzpatrick ("" where not known), a column a model label.
        temperature: the model's.
    """
    return {str(key): _set(str(key), labels, its, temperature) for key, its in rows.groupby("set", sort=False)}


def _set(key: str, labels: Sequence[str], rows: pd.DataFrame, temperature: float) -> dict:
    probabilities = scaled(rows[list(labels)].to_numpy(float), temperature)
    malignant, scores = is_malignant(list(rows["label"]), key), malignancy.score(labels, probabilities)
    groups = rows["group"].to_numpy()
    its = {
        "title": ALL[key].title,
        "n": len(rows),
        "note": ALL[key].tested_on,
        "malignancy": malignancy.block(malignant, scores, groups),
        "matching": _matching(key, labels, rows, probabilities),
    }

    def of(held: pd.Series) -> dict:
        return malignancy.block(malignant[held], scores[held], groups[held])

    if ALL[key].disputed:
        its["malignancy_without_ack"] = of(rows["label"] != ALL[key].disputed)
    if kinds := sorted(set(rows["fitzpatrick"]) - {""}):
        its["by_fitzpatrick"] = {kind: of(rows["fitzpatrick"] == kind) for kind in kinds}
    return its


def _matching(key: str, labels: Sequence[str], rows: pd.DataFrame, probabilities: np.ndarray) -> dict | None:
    """Accuracy over pictures whose diagnosis the model has a label for, the answer taken from all its labels."""
    own = [counterpart(code, key, labels) for code in rows["label"]]
    held = np.array([label is not None for label in own])
    if not held.any():
        return None
    truth = np.array([labels.index(label) for label in own if label is not None])
    found = accuracies(truth, probabilities[held].argmax(axis=1), rows["group"].to_numpy()[held])
    return {"labels": [labels[i] for i in np.unique(truth)], "n": int(held.sum()), **found}
