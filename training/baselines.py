"""Classical baselines, fitted and measured on the parts of the split that the networks are.

For HAM10000 those of paper 4, table 5: random forest, gradient boosting and a support vector machine, each on pixels at 28x28,
as such papers do, and a second time on what our reference network has learnt to see. For the melanoma set, whose benign and
malignant pictures come from different places: gradient boosting that sees nothing of a lesion but the colours of the picture's
border, or of the whole picture, to tell how much of the class lies in the source. Writes weights/NAME.json with the same
figures as a network's, and the answers they come from; there are no weights to serve.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from skinmodels import record_text, sources, weights
from skinmodels.architectures.ham_cnn import HAM_LABELS
from skinmodels.architectures.mobilenet import HAM_REFERENCE
from skinmodels.errors import SkinModelError
from skinmodels.records import SCHEMA_VERSION, Record
from skinmodels.spec import Claim, ModelSpec, Preprocessing
from training.data import datasets, splits
from training.data.pixels import decode
from training.evaluation import figures, record_files
from training.evaluation.measure import report
from training.evaluation.predictions import Subject, chosen, gather

if TYPE_CHECKING:
    import keras

_BATCH = 64

EXAMPLE = "example: python -m training.baselines --data DIR_WITH_THE_ZIP_FILES"
# The part of the reference network that sees most, and its layer whose output is taken.
_MEMBER = "at_192"
_LAYER = "average"
# Share of the side that counts as the border.
_BORDER = 0.05


@dataclass(frozen=True)
class Baseline:
    """Attributes:
    spec: name, labels, claims and preprocessing, as a network's; it has nothing to build.
    estimator: key of ``SETTINGS``.
    sees: key of ``SEEN``, what the estimator is given of a picture.
    builds_on: the network whose features these are; empty where they are of none.
    """

    spec: ModelSpec
    estimator: str
    sees: str
    builds_on: str = ""


def _none() -> keras.Model:
    raise TypeError("a classical baseline has no network")


_TITLES = {"random_forest": "Random forest", "xgboost": "XGBoost", "svm": "Support vector machine"}
_CLAIMED = {"random_forest": 0.659, "xgboost": 0.6515, "svm": 0.6586}
_PIXELS = Preprocessing(size=(28, 28), source_size=(224, 224), scaling="0..1")


def _of_paper_4(estimator: str, sees: str) -> Baseline:
    claims = (Claim("accuracy", _CLAIMED[estimator], "pictures not stated"),) if sees == "pixels" else ()
    spec = ModelSpec(
        name=f"ham_{estimator}" + ("" if sees == "pixels" else "_features"),
        title=f"{_TITLES[estimator]} on {SEEN[sees]}",
        paper=sources.PAPER_4 if sees == "pixels" else None,
        dataset=sources.HAM10000,
        labels=HAM_LABELS,
        preprocessing=_PIXELS if sees == "pixels" else HAM_REFERENCE.preprocessing,
        build=_none,
        params=0,
        claims=claims,
    )
    return Baseline(spec, estimator, sees, HAM_REFERENCE.name if sees == "features" else "")


def _of_the_source(sees: str) -> Baseline:
    spec = ModelSpec(
        name=f"siim_{sees}",
        title=f"Gradient boosting on {SEEN[sees]}",
        paper=None,
        dataset=sources.SIIM,
        labels=("benign", "malignant"),
        preprocessing=Preprocessing(size=(300, 300), source_size=(300, 300), scaling="0..1"),
        build=_none,
        params=0,
    )
    return Baseline(spec, "boosting", sees)


# What an estimator is given of a picture.
SEEN = {
    "pixels": "pixels at 28x28",
    "features": "features of our reference network",
    "border": "the colours of the picture's border alone",
    "colour": "the colours of the whole picture, wherever they are",
}
BASELINES: dict[str, Baseline] = {
    baseline.spec.name: baseline
    for baseline in (
        *(_of_paper_4(estimator, sees) for sees in ("pixels", "features") for estimator in _TITLES),
        *(_of_the_source(sees) for sees in ("border", "colour")),
    )
}

# Classes count alike, as in paper 4; nothing else was tuned.
SETTINGS: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 500, "min_samples_leaf": 2, "class_weight": "balanced", "n_jobs": -1},
    "xgboost": {"n_estimators": 300, "max_depth": 6, "learning_rate": 0.1, "subsample": 0.8, "colsample_bytree": 0.2},
    "boosting": {"max_iter": 200, "learning_rate": 0.05},
    "svm": {"kernel": "rbf", "C": 1.0, "class_weight": "balanced"},
}


def fitted(kind: str, values: np.ndarray, truth: np.ndarray, groups: Sequence[str]) -> Any:
    """A fitted estimator with ``predict_proba``, from values (n, features), label indices (n,) and lesions (n)."""
    settings = SETTINGS[kind]
    if kind == "random_forest":
        return RandomForestClassifier(**settings, random_state=0).fit(values, truth)
    if kind == "xgboost":
        from xgboost import XGBClassifier

        estimator = XGBClassifier(**settings, tree_method="hist", random_state=0)
        return estimator.fit(values, truth, sample_weight=compute_sample_weight("balanced", truth))
    if kind == "boosting":
        return HistGradientBoostingClassifier(**settings, random_state=0).fit(values, truth)
    # A support vector machine has no probabilities of its own: one temperature, fitted on folds of the training part.
    machine = make_pipeline(StandardScaler(), PCA(0.99, random_state=0), SVC(**settings))
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=0).split(values, truth, groups)
    return CalibratedClassifierCV(machine, method="temperature", cv=list(folds), ensemble=False).fit(values, truth)


def statistics(values: np.ndarray, sees: str) -> np.ndarray:
    """Colours of pictures (n, height, width, 3) in 0..1, as mean, spread and deciles of each channel, (n, 33).

    Of the border, a frame of a twentieth of the side, or of the whole picture. Where anything lies is lost.
    """
    if sees == "border":
        height, width = (max(1, round(_BORDER * side)) for side in values.shape[1:3])
        frame = np.ones(values.shape[1:3], bool)
        frame[height:-height, width:-width] = False
        pixels = values[:, frame]
    else:
        pixels = values.reshape(len(values), -1, 3)
    deciles = np.quantile(pixels, np.linspace(0.1, 0.9, 9), axis=1)
    parts = [pixels.mean(axis=1), pixels.std(axis=1), *deciles]
    return np.concatenate(parts, axis=1)


class Answering:
    """A fitted baseline in a network's place: from what the preprocessing gives to probabilities."""

    def __init__(self, estimator: Any, sees: Callable[[np.ndarray], np.ndarray], binary: bool) -> None:
        self.estimator, self.sees, self.binary = estimator, sees, binary

    def predict_on_batch(self, values: np.ndarray) -> np.ndarray:
        """As a network does: probabilities (n, labels) of values (n, height, width, 3), or (n, 1) of the second of two."""
        found = self.estimator.predict_proba(self.sees(values))
        return found[:, 1:] if self.binary else found


def _seeing(sees: str) -> Callable[[np.ndarray], np.ndarray]:
    """From what the preprocessing gives to what the estimator takes."""
    if sees == "pixels":
        return lambda values: values.reshape(len(values), -1)
    if sees == "features":
        import keras

        member = weights.load(HAM_REFERENCE.name).get_layer(_MEMBER)
        return keras.Model(member.input, member.get_layer(_LAYER).output).predict_on_batch
    return lambda values: statistics(values, sees)


def publish(name: str, data: Sequence[str]) -> Record:
    """Fit a baseline, measure it and write its record; returns the record. Raises SkinModelError."""
    baseline = BASELINES[name]
    spec = baseline.spec
    sets = datasets.find_sets(data)
    if spec.dataset.key not in sets:
        raise SkinModelError(f"Expected {spec.dataset.title} for {name}. Received: {', '.join(sets)}")
    samples = datasets.of_model(spec, sets[spec.dataset.key])
    kind = splits.default_kind(spec.dataset.key, samples)
    table = splits.split(samples, kind)
    train = chosen(samples, table, "train")
    sees = _seeing(baseline.sees)
    pixels = decode(train, spec.preprocessing, "train")
    rows = [sees(spec.preprocessing.scale(pixels[i : i + _BATCH])) for i in range(0, len(pixels), _BATCH)]
    truth = np.array([spec.labels.index(sample.label) for sample in train])
    began = time.perf_counter()
    estimator = fitted(baseline.estimator, np.concatenate(rows), truth, [sample.group for sample in train])
    seconds = time.perf_counter() - began
    split = {"kind": kind, "seed": 0, "n": splits.counts(table)}
    tables = gather([Subject(spec, Answering(estimator, sees, spec.binary), split)], sets)[name]
    record = record_text.of(Record, _record(baseline, split, seconds) | figures.computed(spec.labels, tables, spec.claims))
    folder = weights.folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        record_files.save(name, record, tables, Path(beside))
        record_files.put_in_place(name, Path(beside))
    return record


def _record(baseline: Baseline, split: dict, seconds: float) -> dict:
    """All of the record but its figures."""
    spec = baseline.spec
    packages = ("scikit-learn", "numpy", *(["xgboost-cpu"] if baseline.estimator == "xgboost" else []))
    configuration = {"estimator": baseline.estimator, "settings": SETTINGS[baseline.estimator], "sees": SEEN[baseline.sees]}
    if baseline.builds_on:
        configuration["reference_sha256"] = weights.read_record(baseline.builds_on).sha256
    silent = ["the paper says neither what it gave to this classifier nor how it was set"]
    return {
        "schema_version": SCHEMA_VERSION,
        "name": spec.name,
        "title": spec.title,
        "source": "paper" if spec.paper else "ours",
        "baseline": True,
        "data_set": spec.dataset.title,
        "paper": spec.paper.citation if spec.paper else None,
        "claims": [{"metric": claim.metric, "value": claim.value, "where": claim.where} for claim in spec.claims],
        "labels": list(spec.labels),
        "split": split,
        "training": {
            "command": f"python -m training.baselines {spec.name} --data DIR",
            "configuration": configuration,
            "deviations": silent if spec.paper else [],
            "schedule": "full",
            "seconds": round(seconds, 1),
            "versions": {package: version(package) for package in packages},
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.baselines", description=__doc__, epilog=EXAMPLE)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BASELINES)} (default: all)")
    parser.add_argument("--data", nargs="+", required=True, metavar="PATH", help="folders or .zip files of the data sets")
    given = parser.parse_args(arguments)
    try:
        if unknown := set(given.names) - set(BASELINES):
            raise SkinModelError(f"Expected names of {', '.join(BASELINES)}. Received: {', '.join(sorted(unknown))}")
        for name in given.names or BASELINES:
            print(report(name, publish(name, given.data).held_out), flush=True)
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
