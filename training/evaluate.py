"""Measure a network on the test part of its data set, or on labelled pictures of one's own.

Reads the published weights, or with --run the best checkpoint of a training run, and the data set in its public layout. The
test part is that of the seeded split the weights were trained with: for published weights the pictures listed in
weights/NAME.test.csv. Pictures of one's own come as a folder with one sub-folder a class code, or as a CSV with the columns
file and label beside the pictures. Prints the figures; with --out (or --run, into its folder) writes metrics.json, test.csv
with every probability, and confusion_test.png.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from skinmodels import lfs, weights
from skinmodels.errors import SkinModelError
from skinmodels.registry import MODELS, model_spec
from skinmodels.spec import ModelSpec
from training.data import datasets, labelled
from training.evaluation import plots
from training.evaluation.measure import Measured, calibrated, measure, report, run_split, trained
from training.evaluation.predictions import chosen
from training.fitting.runs import RunFolder, read_json, write_json, write_text

EXAMPLE = "example: python -m training.evaluate ham_cnn28 --data HAM10000.zip"


def published_test(spec: ModelSpec, samples: Sequence[datasets.Sample]) -> list[datasets.Sample]:
    """The pictures the published figures were taken on, so that none is measured which the network was trained on.

    Raises SkinModelError where some of them are missing.
    """
    file = weights.folder() / f"{spec.name}.test.csv"
    try:
        ids = pd.read_csv(file, dtype=str)["id"]
    except (OSError, ValueError, KeyError) as error:
        raise SkinModelError(f"Expected the published test pictures in {file}. Received: {lfs.why(file, error)}") from error
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
    # A run that is not published has no calibration yet.
    found = calibrated(weights.read_record(given.name), measured.rows) if given.run is None else None
    print(report(given.name, measured.block, found))
    return 0


def _evaluate(spec: ModelSpec, data: Sequence[str], run: str | None, out: str | None) -> Measured:
    if run is None:
        weights.check(spec.name)
        test = _pictures(spec, data)
        model = weights.load(spec.name)
    else:
        samples = datasets.load(spec, data)
        model = trained(spec, RunFolder(run))
        test = chosen(samples, run_split(RunFolder(run), samples), "test")
    measured = measure(model, spec, test)
    if out or run:
        _write(Path(out or run or ""), spec, measured)
    return measured


def _pictures(spec: ModelSpec, data: Sequence[str]) -> list[datasets.Sample]:
    """The published test pictures where this is the model's data set, else labelled pictures of one's own."""
    if Path(data[0]).suffix.lower() != ".csv":
        roots = datasets.open_roots(data)
        if spec.dataset.key in datasets.sets_in(roots):
            return published_test(spec, datasets.of_model(spec, roots))
    if len(data) > 1:
        raise SkinModelError(
            f"Expected {spec.dataset.title}, or one folder, .zip or .csv of your own. Received: {', '.join(data)}"
        )
    return labelled.load(data[0], spec.labels)


def _write(folder: Path, spec: ModelSpec, measured: Measured) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "metrics.json"
    write_json(kept, {**(read_json(kept) if kept.exists() else {}), "test": measured.block.content()})
    write_text(folder / "test.csv", measured.rows.to_csv(index=False))
    title = f"{spec.name}, test"
    plots.confusion(measured.block.confusion_matrix, spec.labels, title, folder / "confusion_test.png")


if __name__ == "__main__":
    sys.exit(main())
