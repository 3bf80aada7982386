"""Compute the figures of published records again: from the pictures, or from the probabilities beside the records.

With --data, from weights files, the seeded split and the pictures: writes weights/NAME.json and the probabilities beside it
(test, calibration, external) anew; weights files stay as they are. With --from-predictions, from these probabilities alone:
writes every weights/NAME.json anew, of networks and classical baselines alike. With --check nothing is written, and a figure
that moved is an error: by more than 0.001 where pictures were read, at all where they were not.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from skinmodels import record_text, weights
from skinmodels.errors import SkinModelError
from skinmodels.records import Record
from skinmodels.registry import MODELS, model_spec
from training.data import datasets
from training.evaluation.figures import computed, recorded, with_figures
from training.evaluation.predictions import Subject, Tables, gather
from training.evaluation.record_files import put_in_place, read_random_split, read_tables, save

EXAMPLE = "example: python -m training.figures ham_cnn28 --data HAM10000.zip isic2019.zip pad_ufes.zip"
# Figures may move by so much between machines,
TOLERANCE = 1e-3
# and by so much where libraries of other versions compute them from the same probabilities.
ROUNDING = 1e-6


def moved(old: object, new: object, where: str = "", tolerance: float = TOLERANCE) -> Iterator[str]:
    """One line for each figure that differs by more than ``tolerance``, and for what only one side has."""
    if where.endswith(".roc") and isinstance(old, dict) and isinstance(new, dict) and set(old) == set(new):
        for key in old:
            if (area := _area_between(old[key], new[key])) > tolerance:
                yield f"{where}.{key}: {area:.4f} between the curves"
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            if key not in old or key not in new:
                yield f"{where}.{key}: only {'recorded' if key in old else 'computed'}".lstrip(".")
            else:
                yield from moved(old[key], new[key], f"{where}.{key}".lstrip("."), tolerance)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from moved(one, other, f"{where}[{i}]", tolerance)
    elif isinstance(old, bool) or not isinstance(old, int | float) or not isinstance(new, int | float):
        if old != new:
            yield f"{where}: {old} recorded, {new} computed"
    elif abs(old - new) > tolerance:
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
        if lost := [key for key in record.external if key not in sets]:
            raise SkinModelError(f"Expected every set {name} was measured on. Received: data without {', '.join(lost)}")
        subjects.append(Subject(model_spec(name), weights.load(name), record.split.content()))
    found = gather(subjects, sets, first)
    for name, tables in found.items():
        tables.random_split = read_random_split(name, model_spec(name).labels)
    return found


def fresh(name: str, tables: Tables) -> Record:
    """The published record with figures computed from these answers."""
    record = weights.read_record(name)
    claims = MODELS[name].claims if name in MODELS else record.claims
    return with_figures(record, computed(record.labels, tables, claims))


def rewrite(name: str, tables: Tables) -> None:
    """Put figures computed from these answers into the published record, and the answers beside it."""
    record = fresh(name, tables)
    with tempfile.TemporaryDirectory(dir=weights.folder()) as beside:
        save(name, record, tables, Path(beside))
        put_in_place(name, Path(beside))


def differences(name: str, tables: Tables, tolerance: float = TOLERANCE) -> list[str]:
    """What is not as the published record says."""
    found = moved(recorded(weights.read_record(name)), recorded(fresh(name, tables)), tolerance=tolerance)
    return [f"{name}: {line}" for line in found]


def rewritten_from_predictions(name: str) -> list[str]:
    """Write the record's figures anew from the answers beside it, which stay as they are; no differences are left.

    Figures that differ by rounding alone stay too, so that other processors do not rewrite every last digit.
    """
    old, new = weights.read_record(name), fresh(name, read_tables(name))
    same = not any(moved(recorded(old), recorded(new), tolerance=ROUNDING))
    record_text.write(weights.record_path(name), old if same else new)
    return []


def checked_against_predictions(name: str) -> list[str]:
    """What of the record is not as the answers beside it give."""
    return differences(name, read_tables(name), ROUNDING)


def _in_parallel(task: Callable[[str], list[str]], names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each name with what the task says of it, a process a core: the bootstrap takes seconds a record."""
    workers = min(len(os.sched_getaffinity(0)), len(names))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from zip(names, pool.map(task, names), strict=True)


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
    parser.add_argument("names", nargs="*", metavar="NAME", help="with a record (with --from-predictions: default all)")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", nargs="+", metavar="DIR", help="folders or .zip files of the data sets")
    source.add_argument("--from-predictions", action="store_true", help="from the probabilities in weights/NAME.*.csv alone")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a figure moved")
    parser.add_argument(
        "--first", type=int, metavar="N", help="with --check: only compare probabilities of the first N pictures a part"
    )
    given = parser.parse_args(arguments)
    try:
        _refuse(given)
        differing = []
        for name, its in _from_predictions(given) if given.from_predictions else _from_pictures(given):
            said = f"{f'{len(its)} differences' if its else 'as published'}" if given.check else "written"
            print(f"{name}: {said}", flush=True)
            differing += its
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    for line in differing:
        print(line, file=sys.stderr)
    return 1 if differing else 0


def _refuse(given: argparse.Namespace) -> None:
    """Raises SkinModelError for options that do not go together."""
    if given.first is not None and (given.first < 1 or not given.check or given.from_predictions):
        raise SkinModelError(f"Expected --first of at least 1, together with --data and --check. Received: {given.first}")
    if not given.names and not given.from_predictions:
        raise SkinModelError(f"Expected names of {', '.join(MODELS)}. Received: none")


def _from_predictions(given: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    names = list(dict.fromkeys(given.names or weights.recorded()))
    return _in_parallel(checked_against_predictions if given.check else rewritten_from_predictions, names)


def _from_pictures(given: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    for name, tables in again(list(dict.fromkeys(given.names)), given.data, given.first).items():
        if given.first is not None:
            yield name, other_answers(name, tables)
        elif given.check:
            yield name, differences(name, tables)
        else:
            rewrite(name, tables)
            yield name, []


if __name__ == "__main__":
    sys.exit(main())
