"""The parts of a model's card that tell how it was made and what it may be used for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skinmodels import weights
from skinmodels.report import html, plots
from skinmodels.report.limits import limits
from skinmodels.report.words import SPLITS
from skinmodels.spec import ModelSpec

Record = Mapping[str, Any]


def training(_spec: ModelSpec, record: Record) -> str:
    """Curves, split, command and everything else that it takes to train the network again."""
    made = record.get("training", {})
    history = record.get("history", [])
    drawn = [
        html.plot(plots.training_curve(history, metric, made.get("best_epoch")), f"{metric.capitalize()} over the epochs.")
        for metric in ("loss", "accuracy")
        if history and {metric, f"val_{metric}"} <= history[0].keys()
    ]
    split = record.get("split", {})
    parts = [[part, f"{count:,}"] for part, count in split.get("n", {}).items()]
    kind = SPLITS.get(split.get("kind", ""), "")
    return html.section(
        "How it was trained",
        html.side_by_side(*drawn),
        html.table("Pictures in each part", ["part", "pictures"], parts),
        html.paragraph(f"Seed {split['seed']}; {kind}." if kind else ""),
        html.code(made["command"]) if "command" in made else "",
        html.paragraph(_circumstances(made)),
        html.bullets(made.get("deviations", [])),
        html.paragraph(_views(made.get("views", {}))),
    )


_COMPARED = {"loss": "training loss", "val_loss": "validation loss", "val_accuracy": "accuracy", "val_auc": "ROC-AUC"}


def optimisers(spec: ModelSpec, _record: Record) -> str:
    """The comparison of optimisers on this network, where there is one: a table and curves."""
    found = weights.read_optimisers(spec.name)
    histories = {its["title"]: its["history"] for its in found.get("optimisers", {}).values()}
    if not histories:
        return ""
    rows = [[name, *(html.figure(history[-1][metric]) for metric in _COMPARED)] for name, history in histories.items()]
    drawn = [
        html.plot(plots.compared_curves(histories, metric, _COMPARED[metric]), f"{_COMPARED[metric].capitalize()}.")
        for metric in ("loss", "val_loss")
    ]
    return html.section(
        "Optimisers compared",
        html.paragraph(
            f"The same random weights trained with each for {found['epochs']} epochs of {found['steps']} batches of "
            f"{found['batch_size']}, at a learning rate of {found['learning_rate']:g}, SGD with a momentum of "
            f"{found['momentum']['sgd']:g}: too short to say which is best in the end. The paper found SGD to be."
        ),
        html.table("After the last epoch; accuracy and ROC-AUC on validation", ["optimiser", *_COMPARED.values()], rows),
        html.side_by_side(*drawn),
        html.code(found["command"]),
    )


def _views(found: Record) -> str:
    """What averaging over mirror images is worth, in plain text; empty where the model does not."""
    figures = [
        f"balanced accuracy {html.figure(its['balanced_accuracy'])} and ROC-AUC {html.figure(its['macro_auc'])} from {views}"
        for key, views in (("one", "the picture alone"), ("averaged", "it and its mirror image, averaged"))
        if (its := found.get(key))
    ]
    return f"On the {found['one']['n']:,} validation pictures: {'; '.join(figures)}." if figures else ""


def _circumstances(made: Record) -> str:
    """Epochs, date and versions in one line, and what the list of deviations that follows is."""
    words = []
    if "epochs" in made:
        kept = f", weights of epoch {made['best_epoch']} kept" if made.get("best_epoch") else ""
        words.append(f"{made['epochs']} epochs{kept}, {made.get('schedule', 'full')} schedule, {made.get('date', '')}.")
    if versions := made.get("versions"):
        words.append(f"Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}.")
    if made.get("deviations"):
        words.append("Trained otherwise than in the paper, or where it is silent:")
    return " ".join(words)


def terms(spec: ModelSpec, record: Record) -> str:
    """Where it comes from, the licence of its pictures, and which file this is about."""
    origin = f"Network of paper {spec.paper.number}: {spec.paper.citation}." if spec.paper else "A network of our own."
    file = f"Weights: {spec.name}.weights.h5"
    if "sha256" in record:
        file += f", {record['file_bytes'] / 1e6:.1f} MB, {record['params']:,} parameters, SHA-256 {record['sha256']}"
    trained = f"Trained on {spec.dataset.title} ({spec.dataset.url}), licence: {spec.dataset.licence}."
    note = "The weights are for research and non-commercial use, as that asks."
    return html.section("Origin and licence", *(html.paragraph(text) for text in (origin, f"{trained} {note}", f"{file}.")))


def limitations(spec: ModelSpec, record: Record) -> str:
    """What its figures do not promise."""
    return html.section("Limits", html.bullets(limits(spec, dict(record))))
