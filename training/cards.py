"""Write the models' cards in the format of the Hugging Face Hub, from the records in weights/.

Reads weights/*.json; writes weights/README.md, whose header the Hub reads.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub.repocard_data import EvalResult, eval_results_to_model_index

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.measured import ClassCoverage, Conformal, OperatingPoint
from skinmodels.records import OptimiserComparison, Record, Split, Training
from skinmodels.registry import MODELS
from skinmodels.report.card_figures import NO_CLAIM
from skinmodels.report.limits import limits
from skinmodels.report.numbers import between, figure, megabytes
from skinmodels.report.words import BLOCKS, DEVIATIONS, claims, claims_of, metric
from skinmodels.spec import DataSet, ModelSpec
from training.fitting.pretrained import STARTS, Start
from training.fitting.runs import write_text

CARDS = Path(__file__).resolve().parent.parent / "weights" / "README.md"

# What the Hub calls a record's metrics.
_METRICS = {"accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy", "macro_auc": "roc_auc", "macro_f1": "f1"}
# Blocks measured with the published weights; those of the random split belong to another training.
_OTHERWISE = DEVIATIONS.removeprefix("Trained ").capitalize()
_PUBLISHED = ("test_clean", "test")

_INTRODUCTION = """# Skin-lesion classifiers from published papers, rebuilt and measured

**Research only, never a diagnosis. Not for commercial use.** The pictures these networks were trained on ask for that; terms
and credits stand in [LICENSE.md](LICENSE.md).

One `.weights.h5` file a model (Keras 3), beside it a `.json` with everything that was measured and a `.csv` with the
probabilities it was computed from. The networks themselves, their preprocessing and these commands are in the code they came
with:

```python
from skinmodels import images, inference

prediction = inference.predict("NAME", images.read("lesion.jpg"))
print(prediction.probabilities)
```

Figures in brackets are 95 % bootstrap intervals, by lesion where the set has lesion ids. *Clean test part*: without every
picture that shares a lesion or a near-duplicate with the model's own training or validation. *Random split*: the same network
trained and tested on pictures split at random, for what leakage is worth. ROC-AUC is the mean over classes, each against the
rest."""


def text() -> str:
    """The whole file. Raises SkinModelError where a record is missing or broken."""
    records = {name: weights.read_record(name) for name in MODELS}
    header = yaml.safe_dump(metadata(records), sort_keys=False, allow_unicode=True, width=120)
    cards = [_card(MODELS[name], record) for name, record in records.items()]
    baselines = [_baseline(record) for record in weights.baselines()]
    return f"---\n{header}---\n\n" + "\n\n".join([_INTRODUCTION, *cards, *baselines]) + "\n"


def metadata(records: dict[str, Record]) -> dict[str, Any]:
    """The YAML header: what the Hub indexes, and ``model-index`` with the figures of every model, by record."""
    found = (_started_from(record.training) for record in records.values())
    started = list(dict.fromkeys(its.repository for its in found if its))
    base = {"base_model": started, "base_model_relation": "finetune"} if started else {}
    return {
        "license": "other",
        "license_name": "research-only-non-commercial",
        "license_link": "LICENSE.md",
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": [
            "keras",
            "image-classification",
            "dermoscopy",
            "skin-lesions",
            "reproduction",
            "research-only",
            "non-commercial",
        ],
        "datasets": list(dict.fromkeys(_slug(MODELS[name].dataset) for name in records)),
        "metrics": list(_METRICS.values()),
        **base,
        "model-index": [entry for name, record in records.items() for entry in _index(MODELS[name], record)],
    }


def _slug(dataset: DataSet) -> str:
    """The set's name as the Hub writes ids."""
    return re.sub(r"[^a-z0-9]+", "-", dataset.title.lower()).strip("-")


def _index(spec: ModelSpec, record: Record) -> list[dict[str, Any]]:
    """The model's entry in ``model-index``."""
    results = [
        EvalResult(
            task_type="image-classification",
            dataset_type=_slug(spec.dataset),
            dataset_name=spec.dataset.title,
            dataset_split=key,
            metric_type=hub,
            metric_name=metric(name),
            metric_value=round(value, 4),
        )
        for key in _PUBLISHED
        if (block := record.block(key))
        for name, hub in _METRICS.items()
        if (value := block.value(name)) is not None
    ]
    return eval_results_to_model_index(spec.name, results)


def _card(spec: ModelSpec, record: Record) -> str:
    """A section of Markdown on one model."""
    training, split = record.training, record.split
    parts = [
        f"## {spec.name}",
        f"{spec.title}: {_origin(spec, training)} {record.params:,} parameters, {megabytes(record.file_bytes or 0)}. "
        f"Answers: {', '.join(f'`{code}`' for code in spec.labels)}.",
        claims_of(spec) or NO_CLAIM,
        _measured(record),
        *_more(record),
        f"Trained on {spec.dataset.title} ({spec.dataset.licence}), {_pictures(split)}, split by {split.kind}, seed "
        f"{split.seed}, {training.epochs} epochs, {training.schedule} schedule, {training.date}:",
        f"```bash\n{training.command}\n```",
        _bullets(_OTHERWISE, training.deviations),
        _optimisers(weights.read_optimisers(spec.name)),
        _bullets("Limits:", limits(spec, record)),
        f"SHA-256 of `{spec.name}.weights.h5`: `{record.sha256}`",
    ]
    return "\n\n".join(part for part in parts if part)


def _optimisers(found: OptimiserComparison | None) -> str:
    """A sentence on the comparison of optimisers; empty without one."""
    if found is None or not found.optimisers:
        return ""
    last = {its.title: its.history[-1] for its in found.optimisers.values()}
    figures = [f"{name} loss {its['val_loss']:.3f} and ROC-AUC {its['val_auc']:.3f}" for name, its in last.items()]
    shown = f"{found.epochs} epochs of {found.steps} batches of {found.batch_size}"
    return f"Optimisers compared on validation after {shown} (`{found.command}`): {'; '.join(figures)}."


def _baseline(record: Record) -> str:
    """A section on a classical baseline, which has figures alone."""
    origin = f"after {record.paper}" if record.paper else "our own"
    parts = [
        f"## {record.name}",
        f"{record.title}: a classical baseline, {origin}. It is measured, and not served.",
        claims(record.claims),
        _measured(record),
        f"Fitted on {record.data_set}, {_pictures(record.split)}, split by {record.split.kind}:",
        f"```bash\n{record.training.command}\n```",
        _bullets(_OTHERWISE, record.training.deviations),
    ]
    return "\n\n".join(part for part in parts if part)


def _origin(spec: ModelSpec, training: Training) -> str:
    paper = f"after {spec.paper.citation}." if spec.paper else "a network of our own, of no paper."
    base = _started_from(training)
    return f"{paper} Fine-tuned from the ImageNet weights of {base.title}." if base else paper


def _started_from(training: Training) -> Start | None:
    """The ImageNet weights this training started from, if it started from any."""
    if training.configuration.imagenet:
        return next(its for its in STARTS.values() if not its.file)
    if not (start := training.configuration.start):
        return None
    return next(its for its in STARTS.values() if Path(its.file).suffix == Path(start).suffix)


def _pictures(split: Split) -> str:
    return ", ".join(f"{count:,} {part}" for part, count in split.n.items())


def _measured(record: Record) -> str:
    lines = [f"| measured on | pictures | {' | '.join(map(metric, _METRICS))} |"]
    lines.append(f"|{'---|' * (len(_METRICS) + 2)}")
    for key, words in BLOCKS.items():
        if block := record.block(key):
            figures = " | ".join(_figure(block.value(name), block.interval(name)) for name in _METRICS)
            lines.append(f"| {words} | {block.n:,} | {figures} |")
    return "\n".join(lines)


def _more(record: Record) -> list[str]:
    """A sentence on each thing that was measured beyond the headline figures."""
    found = []
    if fitted := record.calibration:
        found.append(
            f"Calibration: temperature {fitted.temperature:.3f}; expected calibration error on test "
            f"{fitted.before.ece:.3f} before, {fitted.after.ece:.3f} after."
        )
    if record.conformal:
        found.append(_conformal(record.conformal))
    for axis, words in ((record.operating_points, "test"), (record.operating_points_clean, "the clean part of it")):
        if axis:
            points = "; ".join(_point(point) for point in axis.points)
            auc = _figure(axis.auc, axis.auc_interval)
            found.append(f"Malignant ({', '.join(axis.malignant)}) against benign on {words}: ROC-AUC {auc}; {points}.")
    for other in record.external.values():
        if its := other.malignancy:
            auc = _figure(its.auc, its.interval("auc"))
            found.append(f"On {other.title} ({its.n:,} pictures), malignant against benign: ROC-AUC {auc}.")
    return found


def _conformal(fitted: Conformal) -> str:
    test = fitted.test
    return (
        f"Conformal sets for {fitted.coverage:.0%} coverage: {test.coverage or 0:.1%} on test, "
        f"{'inside' if test.within else 'outside'} the 99 % band of {between(test.band)}; "
        f"mean size {test.mean_size:.2f}{_outside(test.per_class)}."
    )


def _outside(per_class: Mapping[str, ClassCoverage]) -> str:
    """The classes whose own coverage is not what their sample sizes allow."""
    found = [f"`{code}` {row.coverage or 0:.1%}" for code, row in per_class.items() if row.within is False]
    return f"; by class, outside theirs: {', '.join(found)}" if found else ""


def _point(point: OperatingPoint) -> str:
    return f"{point.name}: sensitivity {_figure(point.sensitivity)}, specificity {_figure(point.specificity)}"


def _figure(value: float | None, interval: Sequence[float] | None = None) -> str:
    return figure(value, interval, nothing="too few pictures")


def _bullets(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "", *(f"- {line}" for line in lines)]) if lines else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status."""
    example = "example: python -m training.cards"
    argparse.ArgumentParser(prog="python -m training.cards", description=__doc__, epilog=example).parse_args(arguments)
    try:
        written = text()
    except SkinModelError as error:
        print(error, file=sys.stderr)
        return 1
    write_text(CARDS, written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
