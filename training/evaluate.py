"""Measure a network on the test part of its data set.

Reads the published weights, or with --run the best checkpoint of a training run, and the data set in its public layout. The
test part is that of the seeded split the weights were trained with: for published weights the pictures listed in
weights/NAME.test.csv. Prints the figures; with --out (or --run, into its
folder) writes metrics.json, test.csv with every probability, and confusion_test.png.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS, model_spec
from skinmodels.spec import ModelSpec
from training import datasets, metrics, plots, splits
from training.pixels import decode
from training.runs import RunFolder, read_json, write_json

if TYPE_CHECKING:
    import keras

EXAMPLE = "example: python -m training.evaluate ham_cnn28 --data HAM10000.zip"
# Probabilities are kept to so many digits, and figures computed from what is kept.
DIGITS = 6


@dataclass(frozen=True)
class Measured:
    """A network's answers on one part: a row a picture (id, group, label, a probability for each label), and the figures."""

    rows: pd.DataFrame
    block: dict


def figures(rows: pd.DataFrame, labels: Sequence[str]) -> dict:
    """The ``test`` block of a record from a table as in ``Measured.rows``, so from ``weights/<name>.test.csv``."""
    truth = rows["label"].map(list(labels).index).to_numpy()
    return metrics.block(labels, truth, rows[list(labels)].to_numpy(float), list(rows["group"].astype(str)))


def measure(model: keras.Model, spec: ModelSpec, samples: Sequence[datasets.Sample]) -> Measured:
    """What the network makes of these pictures."""
    from training.callbacks import predict

    pixels = decode(samples, spec.preprocessing, "test")
    table = {"id": [s.id for s in samples], "group": [s.group for s in samples], "label": [s.label for s in samples]}
    probabilities = predict(model, spec, pixels).round(DIGITS)
    rows = pd.DataFrame({**table, **dict(zip(spec.labels, probabilities.T, strict=True))})
    return Measured(rows, figures(rows, spec.labels))


def chosen(samples: Sequence[datasets.Sample], table: pd.DataFrame, part: str) -> list[datasets.Sample]:
    """The samples of one part of a split."""
    return [sample for sample, its in zip(samples, table["part"], strict=True) if its == part]


def checkpoint(spec: ModelSpec, run: RunFolder) -> Path:
    """The best weights of a run. Raises SkinModelError where the run is another network's or has no epoch done."""
    config = read_json(run.config)
    for key, expected in (("name", spec.name), ("params", spec.params), ("labels", list(spec.labels))):
        if config.get(key) != expected:
            raise SkinModelError(
                f"Expected a run of {spec.name} with {key} {expected} in {run.path}. Received: {config.get(key)}"
            )
    return run.path / run.state().best


def run_split(run: RunFolder, samples: Sequence[datasets.Sample]) -> pd.DataFrame:
    """The split a run was trained with. Raises SkinModelError where these pictures would be split otherwise."""
    table = splits.split(samples, read_json(run.config)["split"]["kind"])
    run.check_split(table)
    return table


def published_test(spec: ModelSpec, samples: Sequence[datasets.Sample]) -> list[datasets.Sample]:
    """The pictures the published figures were taken on, so that none is measured which the network was trained on.

    Raises SkinModelError where some of them are missing.
    """
    file = weights.folder() / f"{spec.name}.test.csv"
    try:
        ids = pd.read_csv(file, dtype=str)["id"]
    except (OSError, ValueError, KeyError) as error:
        raise SkinModelError(f"Expected the published test pictures in {file}. Received: {error}") from error
    at_hand = {sample.id: sample for sample in samples}
    if missing := [id for id in ids if id not in at_hand]:
        raise SkinModelError(
            f"Expected the {len(ids)} test pictures of {spec.name}. Received: all but {len(missing)}, first {missing[0]}"
        )
    return [at_hand[id] for id in ids]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(MODELS)}")
    parser.add_argument("--data", nargs="+", required=True, metavar="PATH", help="folders or .zip files of the data set")
    parser.add_argument("--run", metavar="DIR", help="measure this run's best checkpoint instead of the published weights")
    parser.add_argument("--out", metavar="DIR", help="where to write the figures (default: the run's folder, else nowhere)")
    given = parser.parse_args(arguments)
    try:
        measured = _evaluate(model_spec(given.name), given.data, given.run, given.out)
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    print(report(given.name, measured.block))
    return 0


def _evaluate(spec: ModelSpec, data: Sequence[str], run: str | None, out: str | None) -> Measured:
    if run is None:
        weights.check(spec.name)
    samples = datasets.load(spec, data)
    if run is None:
        model, test = weights.load(spec.name), published_test(spec, samples)
    else:
        model = weights.load_file(spec, checkpoint(spec, RunFolder(run)))
        test = chosen(samples, run_split(RunFolder(run), samples), "test")
    measured = measure(model, spec, test)
    if out or run:
        _write(Path(out or run or ""), spec, measured)
    return measured


def _write(folder: Path, spec: ModelSpec, measured: Measured) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "metrics.json"
    write_json(kept, {**(read_json(kept) if kept.exists() else {}), "test": measured.block})
    beside = folder / "test.tmp"
    measured.rows.to_csv(beside, index=False)
    beside.replace(folder / "test.csv")
    title = f"{spec.name}, test"
    plots.confusion(measured.block["confusion_matrix"], spec.labels, title, folder / "confusion_test.png")


def report(name: str, block: dict) -> str:
    """The figures of a block as text for people."""
    lines = [f"{name}: {block['n']} pictures, {block['groups']} lesions or pictures without a lesion id"]
    for metric, (low, high) in block["intervals"].items():
        lines.append(f"  {metric:18} {block[metric]:.4f}   95 % {low:.4f} to {high:.4f}")
    lines.append(f"  {'ece':18} {block['ece']:.4f}")
    lines.append(f"  {'class':18} {'precision':>9} {'recall':>9} {'f1':>9} {'n':>6}")
    for label, row in block["per_class"].items():
        lines.append(f"  {label:18} {row['precision']:9.4f} {row['recall']:9.4f} {row['f1']:9.4f} {row['n']:6}")
    lines.append("  confusion matrix, true labels as rows:")
    lines += ["  " + " ".join(f"{count:6}" for count in row) for row in np.asarray(block["confusion_matrix"])]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
