"""The table of all models as HTML. Every cell carries its number, so that a click on a column sorts by size, not by text.

``gr.Dataframe`` of Gradio 6 sorts from a menu that only a mouse finds, keeps no column in sight on a phone, and mixes up
rows when what it shows is not what it sorts by, as with an interval under a figure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from skinmodels.registry import MODELS
from skinmodels.report.numbers import between, figure
from skinmodels.report.rendering import templates, text
from skinmodels.report.words import BLOCKS_IN_SHORT, HEADLINE, metric, title
from skinmodels.ui.components.model_rows import Row


class Cell(NamedTuple):
    """What is sorted by, None at the end; what is shown; and what is shown smaller below it."""

    value: float | str | None
    text: str = ""
    below: str = ""

    @property
    def in_words(self) -> bool:
        """Whether what stands below is a text that may wrap, and no interval."""
        return bool(self.below) and not self.below[0].isdigit()


TEMPLATES = "skinmodels.ui"
EMPTY = Cell(None)

CSS = text(TEMPLATES, "model_table.css")

# Numbers fall at the first click, words rise; a cell without a value stays at the end either way.
JS = text(TEMPLATES, "model_table.js")


def table(found: list[Row]) -> str:
    """The rows as one HTML table in a box that scrolls sideways; a column that no model fills is left out."""
    columns = {head: [make(row) for row in found] for head, make in _columns().items()}
    filled = {head: cells for head, cells in columns.items() if any(cell.value is not None for cell in cells)}
    rows = [_row(row, [cells[i] for cells in filled.values()]) for i, row in enumerate(found)]
    return templates(TEMPLATES).get_template("model_table.html").render(heads=["Model", *filled], rows=rows)


def _columns() -> dict[str, Callable[[Row], Cell]]:
    """What makes each cell, by the column's head."""
    measured = {
        f"{title(metric(name))}, {kind}": (lambda row, name=name, key=key: _measured(row[key], name))
        for name in HEADLINE
        for key, kind in BLOCKS_IN_SHORT.items()
    }
    pictures = {
        f"Test pictures, {kind}": (lambda row, key=key: _number((row[key] or {}).get("n"), "{:,}"))
        for key, kind in BLOCKS_IN_SHORT.items()
    }
    return {
        f"{title(metric('accuracy'))}, the paper's claim": _claim,
        **measured,
        f"{metric('ece')} before calibration": lambda row: _number(row["ece_uncalibrated"], "{:.3f}"),
        f"{metric('ece')} after calibration": lambda row: _number(row["ece"], "{:.3f}"),
        "Parameters": lambda row: _number(row["parameters"], "{:,}"),
        "File, MB": lambda row: _number(row["file_bytes"] and row["file_bytes"] / 1e6, "{:.1f}"),
        "Latency, ms": lambda row: _number(row["latency_ms"], "{:.1f}"),
        **pictures,
        "Trained on": lambda row: Cell(row["data_set"], row["data_set"]),
    }


def _claim(row: Row) -> Cell:
    """The first accuracy the paper claims, and on which pictures."""
    claim = next((claim for claim in row["claims"] if claim["metric"] == "accuracy"), None)
    return Cell(claim["value"], f"{claim['value']:.4g}", claim["where"]) if claim else EMPTY


def _measured(block: dict[str, Any] | None, name: str) -> Cell:
    if block is None or block[name] is None:
        return EMPTY
    return Cell(block[name], figure(block[name]), between(block["intervals"].get(name), nothing=""))


def _number(value: float | None, form: str) -> Cell:
    return EMPTY if value is None else Cell(value, form.format(value))


def _row(row: Row, cells: list[Cell]) -> dict[str, Any]:
    """What the template needs of a row."""
    served, reduced = row["model"] in MODELS, row["schedule"] == "reduced"
    return {"model": row["model"], "title": row["title"], "served": served, "reduced": reduced, "cells": cells}
