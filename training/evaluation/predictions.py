"""What published networks answer to the pictures their figures are taken on: one table a part, as kept beside the record.

Every set is decoded once for each preprocessing, whatever the number of models that share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS
from skinmodels.sources import ALL
from skinmodels.spec import ModelSpec, Preprocessing
from training.data import datasets, lesions, splits
from training.data.files import Root
from training.data.pixels import decode
from training.evaluation.subgroups import COLUMNS

if TYPE_CHECKING:
    import keras

# Probabilities are kept to so many digits, and figures computed from what is kept.
DIGITS = 6


@dataclass
class Tables:
    """A model's answers by part, a row a picture (id, group, label, a column a label, what the part needs beyond).

    Attributes:
        test: with ``clean`` (1 where no lesion and no near-duplicate stands in the model's other parts; for the melanoma set,
            which draws on the same archive, nor in HAM10000) and, where the set has them, the columns of ``subgroups.COLUMNS``.
        calibration: the calibration half of validation.
        external: with ``set`` and ``fitzpatrick``; labels are the set's own; clean pictures only.
        left_out: by set, how many pictures of its test part are not clean for this model.
        random_split: the test part of the same network trained on pictures split at random, where that was done.
    """

    test: pd.DataFrame
    calibration: pd.DataFrame
    external: pd.DataFrame
    left_out: dict[str, int] = field(default_factory=dict)
    random_split: pd.DataFrame | None = None


@dataclass(frozen=True)
class Subject:
    """A network to be measured: its record's ``split`` says what it was trained on."""

    spec: ModelSpec
    network: keras.Model
    split: Mapping


@dataclass(frozen=True)
class _Part:
    """Pictures of a set that one table is made of; ``clean`` says which of them are, for this model."""

    name: str
    set_key: str
    samples: list[datasets.Sample]
    clean: np.ndarray | None = None


def chosen(samples: Sequence[datasets.Sample], table: pd.DataFrame, part: str) -> list[datasets.Sample]:
    """The samples of one part of a split."""
    return [sample for sample, its in zip(samples, table["part"], strict=True) if its == part]


def answers(model: keras.Model, spec: ModelSpec, samples: Sequence[datasets.Sample], pixels: np.ndarray) -> pd.DataFrame:
    """id, group, label and a probability for each label, of pictures given as uint8 (n, height, width, 3)."""
    from training.fitting.callbacks import predict

    table = {
        "id": [s.id for s in samples],
        "group": [s.about.get("lesion_id", s.group) for s in samples],
        "label": [s.label for s in samples],
    }
    probabilities = predict(model, spec, pixels).round(DIGITS) if len(samples) else np.empty((0, len(spec.labels)))
    return pd.DataFrame({**table, **dict(zip(spec.labels, probabilities.T, strict=True))})


def gather(subjects: Sequence[Subject], sets: Mapping[str, list[Root]], first: int | None = None) -> dict[str, Tables]:
    """The tables of each subject, by name; with ``first`` only so many pictures of each part.

    Raises SkinModelError where a subject's own set is missing or is not the one its split was made of.
    """
    samples = _Sets({key: datasets.LOADERS[key](roots) for key, roots in sets.items()})
    parts = {subject.spec.name: _parts(subject, samples, first) for subject in subjects}
    rows: dict[str, list[tuple[_Part, pd.DataFrame]]] = {subject.spec.name: [] for subject in subjects}
    for preprocessing in dict.fromkeys(subject.spec.preprocessing for subject in subjects):
        alike = [subject for subject in subjects if subject.spec.preprocessing == preprocessing]
        for key in samples.by_key:
            wanted = [(subject, part) for subject in alike for part in parts[subject.spec.name] if part.set_key == key]
            pixels = _decoded(key, [part for _, part in wanted], preprocessing)
            for subject, part in wanted:
                seen = np.array([pixels[sample.id] for sample in part.samples])
                rows[subject.spec.name].append((part, answers(subject.network, subject.spec, part.samples, seen)))
    return {subject.spec.name: _tables(subject.spec, rows[subject.spec.name]) for subject in subjects}


def _decoded(key: str, parts: Sequence[_Part], preprocessing: Preprocessing) -> dict[str, np.ndarray]:
    """Pixels of the pictures of these parts by id, each decoded once."""
    needed = {sample.id: sample for part in parts for sample in part.samples}
    pixels = decode(list(needed.values()), preprocessing, f"{key} at {preprocessing.size[1]}x{preprocessing.size[0]}")
    return dict(zip(needed, pixels, strict=True))


class _Sets:
    """The samples of each set, and their splits, each drawn once: those of large sets by lesion take long."""

    def __init__(self, by_key: dict[str, list[datasets.Sample]]) -> None:
        self.by_key = by_key
        self._drawn: dict[tuple, tuple[list[datasets.Sample], pd.DataFrame]] = {}

    def split(self, key: str, labels: tuple[str, ...], kind: str, seed: int) -> tuple[list[datasets.Sample], pd.DataFrame]:
        """The samples with these labels, and their split."""
        if (key, labels, kind, seed) not in self._drawn:
            samples = [sample for sample in self.by_key[key] if sample.label in labels]
            self._drawn[key, labels, kind, seed] = samples, splits.split(samples, kind, seed)
        return self._drawn[key, labels, kind, seed]

    def test_part(self, key: str) -> list[datasets.Sample]:
        """The pictures no model of that set is trained on: its published or its seeded test part, or all of the set."""
        if not ALL[key].split:
            return self.by_key[key]
        kind = splits.default_kind(key, self.by_key[key])
        if kind == "published":
            return [sample for sample in self.by_key[key] if sample.published_part == "test"]
        labels = next(spec.labels for spec in MODELS.values() if spec.dataset.key == key)
        return chosen(*self.split(key, labels, kind, 0), "test")


def _parts(subject: Subject, sets: _Sets, first: int | None) -> list[_Part]:
    """What a subject is measured on: parts of its own set, and the clean pictures of the others' test parts."""
    spec, own = subject.spec, subject.spec.dataset.key
    if own not in sets.by_key:
        raise SkinModelError(f"Expected {spec.dataset.title} for {spec.name}. Received: {', '.join(sets.by_key)}")
    samples, table = sets.split(own, spec.labels, subject.split["kind"], subject.split["seed"])
    if splits.counts(table) != subject.split["n"]:
        raise SkinModelError(
            f"Expected the pictures {spec.name} was trained and tested on, {subject.split['n']}. "
            f"Received: {splits.counts(table)}"
        )
    test = chosen(samples, table, "test")
    known = [sample for sample, part in zip(samples, table["part"], strict=True) if part != "test"]
    clean = lesions.clean(own, test, known)
    for other in spec.dataset.shares:
        clean &= lesions.unlike(own, test, other.key)
    found = [
        _Part("test", own, test, clean),
        _Part("calibration", own, chosen(samples, table, "calibration")),
    ]
    for key in sets.by_key:
        if key != own:
            others = sets.test_part(key)
            found.append(_Part("external", key, others, lesions.clean(key, others, known, known_key=own)))
    return [_first(part, first) for part in found]


def _first(part: _Part, first: int | None) -> _Part:
    """External pictures that are not clean are left out here, so that none is decoded for nothing."""
    samples = part.samples
    if part.name == "external" and part.clean is not None:
        samples = [sample for sample, its in zip(samples, part.clean, strict=True) if its]
    clean = part.clean if first is None or part.clean is None or part.name == "external" else part.clean[:first]
    return _Part(part.name, part.set_key, samples[:first], clean)


def _tables(spec: ModelSpec, rows: Sequence[tuple[_Part, pd.DataFrame]]) -> Tables:
    by_name = {part.name: (part, its) for part, its in rows if part.name != "external"}
    part, test = by_name["test"]
    assert part.clean is not None
    test["clean"] = part.clean.astype(int)
    for column in COLUMNS:
        if any(column in sample.about for sample in part.samples):
            test[column] = [sample.about.get(column, "") for sample in part.samples]
    external = [_external(part, its) for part, its in rows if part.name == "external"]
    head = ["set", "id", "group", "label", "fitzpatrick", *spec.labels]
    left_out = {
        part.set_key: int((~part.clean).sum()) for part, _ in rows if part.name == "external" and part.clean is not None
    }
    whole = pd.concat(external, ignore_index=True) if external else pd.DataFrame(columns=head)
    return Tables(test, by_name["calibration"][1], whole[head], left_out)


def _external(part: _Part, rows: pd.DataFrame) -> pd.DataFrame:
    rows["set"] = part.set_key
    rows["fitzpatrick"] = [sample.about.get("fitzpatrick", "") for sample in part.samples]
    return rows
