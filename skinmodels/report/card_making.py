"""The parts of a model's card that tell how it was made and what it may be used for."""

from __future__ import annotations

from markupsafe import Markup

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.records import Record, TestTimeAugmentation, Training
from skinmodels.report import elements, plots
from skinmodels.report.limits import limits
from skinmodels.report.numbers import figure, megabytes
from skinmodels.report.words import DEVIATIONS, METRICS, SPLITS
from skinmodels.spec import ModelSpec


def training(_spec: ModelSpec, record: Record) -> Markup:
    """Curves, split, command and everything else that it takes to train the network again."""
    made, history, split = record.training, record.history, record.split
    drawn = [
        elements.plot(plots.training_curve(history, metric, made.best_epoch), f"{metric.capitalize()} over the epochs.")
        for metric in ("loss", "accuracy")
        if history and {metric, f"val_{metric}"} <= history[0].keys()
    ]
    parts = [[part, f"{count:,}"] for part, count in split.n.items()]
    kind = SPLITS.get(split.kind, "")
    return elements.section(
        "How it was trained",
        elements.side_by_side(*drawn),
        elements.table("Pictures in each part", ["part", "pictures"], parts),
        elements.paragraph(f"Seed {split.seed}; {kind}." if kind else ""),
        elements.code(made.command),
        elements.paragraph(_circumstances(made)),
        elements.bullets(made.deviations),
        elements.paragraph(_test_time_augmentation(made.test_time_augmentation)),
    )


_COMPARED = {
    "loss": "training loss",
    "val_loss": "validation loss",
    "val_accuracy": METRICS["accuracy"],
    "val_auc": METRICS["auc"],
}


def optimisers(spec: ModelSpec, _record: Record) -> Markup:
    """The comparison of optimisers on this network, where there is one: a table and curves; why not, where it is damaged."""
    try:
        found = weights.read_optimisers(spec.name)
    except SkinModelError as error:
        return elements.section("Optimisers compared", elements.paragraph(str(error)))
    if found is None or not found.optimisers:
        return elements.EMPTY
    histories = {its.title: its.history for its in found.optimisers.values()}
    rows = [[name, *(figure(history[-1][metric]) for metric in _COMPARED)] for name, history in histories.items()]
    drawn = [
        elements.plot(plots.compared_curves(histories, metric, _COMPARED[metric]), f"{_COMPARED[metric].capitalize()}.")
        for metric in ("loss", "val_loss")
    ]
    return elements.section(
        "Optimisers compared",
        elements.paragraph(
            f"The same random weights trained with each for {found.epochs} epochs of {found.steps} batches of "
            f"{found.batch_size}, at a learning rate of {found.learning_rate:g}, SGD with a momentum of "
            f"{found.momentum['sgd']:g}: too short to say which is best in the end. The paper found SGD to be."
        ),
        elements.table("After the last epoch; accuracy and ROC-AUC on validation", ["optimiser", *_COMPARED.values()], rows),
        elements.side_by_side(*drawn),
        elements.code(found.command),
    )


def _test_time_augmentation(found: TestTimeAugmentation | None) -> str:
    """What averaging over mirror images is worth, in plain text; empty where the model does not."""
    if found is None:
        return ""
    shown = ("balanced_accuracy", "macro_auc")
    figures = [
        f"{' and '.join(f'{METRICS[key]} {figure(getattr(its, key))}' for key in shown)} from {views}"
        for its, views in ((found.one, "the picture alone"), (found.averaged, "it and its mirror image, averaged"))
    ]
    return f"On the {found.one.n:,} validation pictures: {'; '.join(figures)}."


def _circumstances(made: Training) -> str:
    """Epochs, date and versions in one line, and what the list of deviations that follows is."""
    words = []
    if made.epochs is not None:
        kept = f", weights of epoch {made.best_epoch} kept" if made.best_epoch else ""
        words.append(f"{made.epochs} epochs{kept}, {made.schedule or 'full'} schedule, {made.date}.")
    if made.versions:
        words.append(f"Versions: {', '.join(f'{name} {version}' for name, version in made.versions.items())}.")
    if made.deviations:
        words.append(DEVIATIONS)
    return " ".join(words)


def terms(spec: ModelSpec, record: Record | None = None) -> Markup:
    """Where it comes from, the licence of its pictures, and which file this is about."""
    origin = f"Network of paper {spec.paper.number}: {spec.paper.citation}." if spec.paper else "A network of our own."
    file = f"Weights: {spec.name}.weights.h5"
    if record and record.file_bytes:
        file += f", {megabytes(record.file_bytes)}, {record.params:,} parameters, SHA-256 {record.sha256}"
    trained = f"Trained on {spec.dataset.title} ({spec.dataset.url}), licence: {spec.dataset.licence}."
    note = "The weights are for research and non-commercial use, as that asks."
    return elements.section(
        "Origin and licence", *(elements.paragraph(text) for text in (origin, f"{trained} {note}", f"{file}."))
    )


def limitations(spec: ModelSpec, record: Record | None = None) -> Markup:
    """What its figures do not promise."""
    return elements.section("Limits", elements.bullets(limits(spec, record)))
