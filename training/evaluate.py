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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from skinmodels import metrics, weights
from skinmodels.calibration import scaled
from skinmodels.errors import SkinModelError
from skinmodels.labels import MALIGNANT
from skinmodels.registry import MODELS, model_spec
from skinmodels.spec import ModelSpec
from training.data import datasets, labelled, splits
from training.data.pixels import decode
from training.evaluation import malignancy, plots
from training.evaluation.operating_points import PREVALENCES, positive_predictive_value
from training.evaluation.predictions import answers, chosen
from training.figures import block
from training.fitting.fit import of_member
from training.fitting.runs import FIRST, RunFolder, read_json, write_json, write_text

if TYPE_CHECKING:
    import keras

EXAMPLE = "example: python -m training.evaluate ham_cnn28 --data HAM10000.zip"


@dataclass(frozen=True)
class Measured:
    """A network's answers on one part: a row a picture (id, group, label, a probability for each label), and the figures."""

    rows: pd.DataFrame
    block: dict


def measure(model: keras.Model, spec: ModelSpec, samples: Sequence[datasets.Sample]) -> Measured:
    """What the network makes of these pictures."""
    rows = answers(model, spec, samples, decode(samples, spec.preprocessing, "test"))
    return Measured(rows, block(rows, spec.labels))


def trained(spec: ModelSpec, run: RunFolder) -> keras.Model:
    """The network with a run's best weights. Raises SkinModelError as ``checkpoint`` and ``weights.load_file`` do."""
    its_last, recipe = checkpoint(spec, run), read_json(run.config)["recipe"]
    if not recipe.get("member"):
        return weights.load_file(spec, its_last)
    model = spec.build()
    first = RunFolder(run.path / FIRST)
    for file, member in ((checkpoint(spec, first), recipe["first"]["member"]), (its_last, recipe["member"])):
        best = weights.load_file(of_member(spec, member), file)
        model.get_layer(member).set_weights(best.get_weights())
    return model


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
    # A run that is not published has no calibration yet.
    record = weights.read_record(given.name) if given.run is None else {}
    print(report(given.name, measured.block, calibrated(record, measured.rows)))
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


def calibrated(record: dict, rows: pd.DataFrame) -> dict:
    """The figures that a published record's calibration gives for answers as in ``Measured.rows``.

    Returns ``ece`` after scaling and ``points``, the figures at the record's operating points; nothing that the record
    has no fit for.
    """
    if "calibration" not in record:
        return {}
    labels = record["labels"]
    probabilities = scaled(rows[labels].to_numpy(float), record["calibration"]["temperature"])
    found: dict = {"ece": metrics.expected_calibration_error(rows["label"].map(labels.index).to_numpy(), probabilities)}
    malignant, scores = rows["label"].isin(MALIGNANT).to_numpy(), malignancy.score(labels, probabilities)
    found["points"] = []
    for point in record.get("operating_points", {}).get("points", []):
        rates = malignancy.rates(malignant, scores >= point["threshold"], np.ones((1, len(rows))))
        both = {name: None if np.isnan(value[0]) else float(value[0]) for name, value in rates.items()}
        found["points"].append({"name": point["name"], "threshold": point["threshold"], **both})
    return found


def _write(folder: Path, spec: ModelSpec, measured: Measured) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "metrics.json"
    write_json(kept, {**(read_json(kept) if kept.exists() else {}), "test": measured.block})
    write_text(folder / "test.csv", measured.rows.to_csv(index=False))
    title = f"{spec.name}, test"
    plots.confusion(measured.block["confusion_matrix"], spec.labels, title, folder / "confusion_test.png")


def report(name: str, block: dict, calibrated: dict | None = None) -> str:
    """The figures of a block, and of ``calibrated`` where given, as text for people."""
    lines = [f"{name}: {block['n']} pictures, {block['groups']} lesions or pictures without a lesion id"]
    for metric, (low, high) in block["intervals"].items():
        lines.append(f"  {metric:18} {block[metric]:.4f}   95 % {low:.4f} to {high:.4f}")
    lines.append(f"  {'ece':18} {block['ece']:.4f}")
    if calibrated:
        lines.append(f"  {'ece calibrated':18} {calibrated['ece']:.4f}")
    lines.append(f"  {'class':18} {'precision':>9} {'recall':>9} {'f1':>9} {'n':>6}")
    for label, row in block["per_class"].items():
        lines.append(f"  {label:18} {row['precision']:9.4f} {row['recall']:9.4f} {row['f1']:9.4f} {row['n']:6}")
    lines.append("  confusion matrix, true labels as rows:")
    lines += ["  " + " ".join(f"{count:6}" for count in row) for row in np.asarray(block["confusion_matrix"])]
    if calibrated and calibrated["points"]:
        shares = [f"PPV at {share:.0%}" for share in PREVALENCES]
        lines.append(
            "  malignant or benign:  threshold sensitivity specificity " + " ".join(f"{share:>10}" for share in shares)
        )
        lines += [_point(point) for point in calibrated["points"]]
    return "\n".join(lines)


def _point(point: dict) -> str:
    sensitivity, specificity = point["sensitivity"], point["specificity"]
    values: list[float | None] = [None] * len(PREVALENCES)
    if sensitivity is not None and specificity is not None:
        values = [positive_predictive_value(sensitivity, specificity, share) for share in PREVALENCES]
    cells = [f"{'-' if value is None else f'{value:.4f}':>10}" for value in values]
    rates = [f"{'-' if rate is None else f'{rate:.4f}':>11}" for rate in (sensitivity, specificity)]
    return f"    {point['name']:18} {point['threshold']:10.4f} {' '.join(rates)} {' '.join(cells)}"


if __name__ == "__main__":
    sys.exit(main())
