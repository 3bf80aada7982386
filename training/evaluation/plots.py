"""Pictures a run leaves behind: curves and confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay


def curves(history: Sequence[dict], figure: str, path: Path) -> None:
    """Accuracy or loss over the epochs, training and validation, as PNG."""
    drawing = Figure(figsize=(6, 4), layout="constrained")
    axes = drawing.subplots()
    epochs = [row["epoch"] for row in history]
    axes.plot(epochs, [row[figure] for row in history], label="training")
    axes.plot(epochs, [row[f"val_{figure}"] for row in history], label="validation")
    axes.set(xlabel="epoch", ylabel=figure)
    axes.legend()
    _save(drawing, path)


def compared(histories: Mapping[str, Sequence[Mapping[str, float]]], figures: Sequence[str], path: Path) -> None:
    """Each figure over the epochs, a line for each history, as PNG."""
    drawing = Figure(figsize=(4 * len(figures), 4), layout="constrained")
    for axes, figure in zip(drawing.subplots(1, len(figures)), figures, strict=True):
        for name, history in histories.items():
            axes.plot([row["epoch"] for row in history], [row[figure] for row in history], marker=".", label=name)
        axes.set(xlabel="epoch", ylabel=figure)
        axes.locator_params(axis="x", integer=True)
        axes.legend()
    _save(drawing, path)


def confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str], title: str, path: Path) -> None:
    """A confusion matrix with true labels as rows, each row as shares of its class, as PNG."""
    counts = np.asarray(matrix, float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    drawing = Figure(figsize=(1.5 + 0.8 * len(labels), 1 + 0.8 * len(labels)), layout="constrained")
    axes = drawing.subplots()
    ConfusionMatrixDisplay(shares, display_labels=list(labels)).plot(ax=axes, values_format=".2f", cmap="Blues", colorbar=False)
    axes.set_title(title)
    _save(drawing, path)


def _save(drawing: Figure, path: Path) -> None:
    beside = path.with_name(path.name + ".tmp")
    drawing.savefig(beside, format="png", dpi=120)
    beside.replace(path)
