"""Compute the figures of published weights again: from their files, the seeded split and the pictures.

Writes weights/NAME.json and the probabilities beside it (test, calibration, external) anew; weights files stay as they
are. With --check nothing is written, and a figure that moved by more than 0.001 is an error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS, model_spec
from training.data import datasets
from training.evaluation.figures import KEYS, computed
from training.evaluation.predictions import Subject, Tables, gather
from training.evaluation.record_files import put_in_place, read_random_split, read_tables, save

EXAMPLE = "example: python -m training.figures ham_cnn28 --data HAM10000.zip isic2019.zip pad_ufes.zip"
# Figures may move by so much between machines.
TOLERANCE = 1e-3


def moved(old: object, new: object, where: str = "") -> Iterator[str]:
    """One line for each figure that differs by more than ``TOLERANCE``, and for what only one side has."""
    if where.endswith(".roc") and isinstance(old, dict) and isinstance(new, dict) and set(old) == set(new):
        for key in old:
            if (area := _area_between(old[key], new[key])) > TOLERANCE:
                yield f"{where}.{key}: {area:.4f} between the curves"
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            if key not in old or key not in new:
                yield f"{where}.{key}: only {'recorded' if key in old else 'computed'}".lstrip(".")
            else:
                yield from moved(old[key], new[key], f"{where}.{key}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from moved(one, other, f"{where}[{i}]")
    elif isinstance(old, bool) or not isinstance(old, int | float) or not isinstance(new, int | float):
        if old != new:
            yield f"{where}: {old} recorded, {new} computed"
    elif abs(old - new) > TOLERANCE:
        yield f"{where}: {old:.6g} recorded, {new:.6g} computed"


def _area_between(one: dict, other: dict) -> float:
    """Between two ROC curves, whose thinned points may lie elsewhere along the same line."""
    grid = np.linspace(0, 1, 2001)
    gap = np.abs(np.interp(grid, one["fpr"], one["tpr"]) - np.interp(grid, other["fpr"], other["tpr"]))
    return float(gap.mean())


def again(names: Sequence[str], data: Sequence[str], first: int | None = None) -> dict[str, Tables]:
    """The answers of published weights, by name. Raises SkinModelError where a set is missing that a record has figures of."""
    sets = datasets.find_sets(data)
    subjects = []
    for name in names:
        record = weights.check(name)
        if lost := [key for key in record.get("external", {}) if key not in sets]:
            raise SkinModelError(f"Expected every set {name} was measured on. Received: data without {', '.join(lost)}")
        subjects.append(Subject(model_spec(name), weights.load(name), record["split"]))
    found = gather(subjects, sets, first)
    for name, tables in found.items():
        tables.random_split = read_random_split(name, model_spec(name).labels)
    return found


def rewrite(name: str, tables: Tables) -> dict:
    """Put figures computed from these answers into the published record, and return it."""
    record = {key: value for key, value in weights.read_record(name).items() if key not in KEYS}
    record |= computed(record["labels"], tables, model_spec(name).claims)
    with tempfile.TemporaryDirectory(dir=weights.folder()) as beside:
        save(name, record, tables, Path(beside))
        put_in_place(name, Path(beside))
    return record


def differences(name: str, tables: Tables) -> list[str]:
    """What is not as the published record says."""
    recorded = {key: value for key, value in weights.read_record(name).items() if key in KEYS}
    return list(moved(recorded, computed(model_spec(name).labels, tables, model_spec(name).claims)))


def other_answers(name: str, tables: Tables) -> list[str]:
    """Pictures of these tables, which may be the first of each part only, answered otherwise than published."""
    labels, published = list(model_spec(name).labels), read_tables(name)
    found = []
    for part in ("test", "calibration", "external"):
        keys = ["id", "group", "label", *(["set"] if part == "external" else [])]
        old = getattr(published, part).set_index(keys)
        new = getattr(tables, part).set_index(keys)
        for key in new.index:
            if key not in old.index:
                found.append(f"{name}, {part}: {key[0]} is not among the published pictures")
            elif np.abs(old.loc[key, labels].to_numpy(float) - new.loc[key, labels].to_numpy(float)).max() > TOLERANCE:
                found.append(f"{name}, {part}: {key[0]} is answered otherwise")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.figures", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("names", nargs="+", metavar="NAME", help=f"of {', '.join(MODELS)}")
    parser.add_argument("--data", nargs="+", required=True, metavar="DIR", help="folders or .zip files of the data sets")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a figure moved")
    parser.add_argument(
        "--first", type=int, metavar="N", help="with --check: only compare probabilities of the first N pictures a part"
    )
    given = parser.parse_args(arguments)
    try:
        if given.first is not None and (given.first < 1 or not given.check):
            raise SkinModelError(f"Expected --first of at least 1, together with --check. Received: {given.first}")
        differing = _run(given.names, given.data, given.check, given.first)
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    for line in differing:
        print(line, file=sys.stderr)
    return 1 if differing else 0


def _run(names: Sequence[str], data: Sequence[str], check: bool, first: int | None) -> list[str]:
    differing: list[str] = []
    for name, tables in again(list(dict.fromkeys(names)), data, first).items():
        if first is not None:
            its = other_answers(name, tables)
        elif check:
            its = [f"{name}: {line}" for line in differences(name, tables)]
        else:
            its = []
            rewrite(name, tables)
        if check:
            print(f"{name}: {f'{len(its)} differences' if its else 'as published'}")
        else:
            print(f"{name}: written")
        differing += its
    return differing


if __name__ == "__main__":
    sys.exit(main())
