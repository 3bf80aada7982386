"""A network measured on pictures of one part, and its figures as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from skinmodels import metrics, record_text, weights
from skinmodels.calibration import scaled
from skinmodels.errors import SkinModelError
from skinmodels.labels import MALIGNANT
from skinmodels.measured import Block
from skinmodels.records import Record
from skinmodels.report.numbers import between, figure
from skinmodels.spec import ModelSpec
from training.data import datasets, splits
from training.data.pixels import decode
from training.evaluation import figures, malignancy
from training.evaluation.operating_points import PREVALENCES, positive_predictive_value
from training.evaluation.predictions import answers
from training.fitting.fit import of_member
from training.fitting.runs import FIRST, RunFolder, read_json

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Measured:
    """A network's answers on one part: a row a picture (id, group, label, a probability for each label), and the figures."""

    rows: pd.DataFrame
    block: Block


def measure(model: keras.Model, spec: ModelSpec, samples: Sequence[datasets.Sample]) -> Measured:
    """What the network makes of these pictures."""
    rows = answers(model, spec, samples, decode(samples, spec.preprocessing, "test"))
    return Measured(rows, record_text.of(Block, figures.block(rows, spec.labels)))


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


@dataclass(frozen=True)
class Point:
    """What an operating point's threshold gives: rates 0..1, None where there is nothing to take a share of."""

    name: str
    threshold: float
    sensitivity: float | None
    specificity: float | None


@dataclass(frozen=True)
class Calibrated:
    """The expected calibration error after scaling, and the rates at the record's operating points."""

    ece: float
    points: list[Point]


def calibrated(record: Record, rows: pd.DataFrame) -> Calibrated | None:
    """What a published record's calibration gives for answers as in ``Measured.rows``; None where it has none."""
    if record.calibration is None:
        return None
    labels = record.labels
    probabilities = scaled(rows[labels].to_numpy(float), record.calibration.temperature)
    ece = metrics.expected_calibration_error(rows["label"].map(labels.index).to_numpy(), probabilities)
    malignant, scores = rows["label"].isin(MALIGNANT).to_numpy(), malignancy.score(labels, probabilities)
    points = []
    for point in record.operating_points.points if record.operating_points else ():
        rates = malignancy.rates(malignant, scores >= point.threshold, np.ones((1, len(rows))))
        both = {name: None if np.isnan(value[0]) else float(value[0]) for name, value in rates.items()}
        points.append(Point(point.name, point.threshold, **both))
    return Calibrated(ece, points)


def report(name: str, block: Block, calibrated: Calibrated | None = None) -> str:
    """The figures of a block, and of ``calibrated`` where given, as text for people."""
    lines = [f"{name}: {block.n} pictures, {block.groups} lesions or pictures without a lesion id"]
    for metric, interval in block.intervals.items():
        if interval:
            lines.append(f"  {metric:18} {figure(block.value(metric), digits=4)}   95 % {between(interval, 4)}")
    lines.append(f"  {'ece':18} {block.ece:.4f}")
    if calibrated:
        lines.append(f"  {'ece calibrated':18} {calibrated.ece:.4f}")
    lines.append(f"  {'class':18} {'precision':>9} {'recall':>9} {'f1':>9} {'n':>6}")
    for label, row in block.per_class.items():
        lines.append(f"  {label:18} {row.precision:9.4f} {row.recall:9.4f} {row.f1:9.4f} {row.n:6}")
    lines.append("  confusion matrix, true labels as rows:")
    lines += ["  " + " ".join(f"{count:6}" for count in counts) for counts in block.confusion_matrix]
    if calibrated and calibrated.points:
        shares = [f"PPV at {share:.0%}" for share in PREVALENCES]
        lines.append(
            "  malignant or benign:  threshold sensitivity specificity " + " ".join(f"{share:>10}" for share in shares)
        )
        lines += [_point(point) for point in calibrated.points]
    return "\n".join(lines)


def _point(point: Point) -> str:
    values: list[float | None] = [None] * len(PREVALENCES)
    if point.sensitivity is not None and point.specificity is not None:
        values = [positive_predictive_value(point.sensitivity, point.specificity, share) for share in PREVALENCES]
    cells = [f"{figure(value, digits=4, nothing='-'):>10}" for value in values]
    rates = [f"{figure(rate, digits=4, nothing='-'):>11}" for rate in (point.sensitivity, point.specificity)]
    return f"    {point.name:18} {point.threshold:10.4f} {' '.join(rates)} {' '.join(cells)}"
