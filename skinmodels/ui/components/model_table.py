"""The table of all models as HTML. Every cell carries its number, so that a click on a column sorts by size, not by text.

``gr.Dataframe`` of Gradio 6 sorts from a menu that only a mouse finds, keeps no column in sight on a phone, and mixes up
rows when what it shows is not what it sorts by, as with an interval under a figure.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

from skinmodels.registry import MODELS
from skinmodels.report.numbers import between, figure
from skinmodels.report.words import BLOCKS_IN_SHORT, HEADLINE, metric, title
from skinmodels.ui.components.model_rows import Row


class Cell(NamedTuple):
    """What is sorted by, None at the end; what is shown; and what is shown smaller below it."""

    value: float | str | None
    text: str = ""
    below: str = ""


EMPTY = Cell(None)

CSS = """
.models { overflow-x: auto; max-width: 100%; border: 1px solid var(--border-color-primary); }
.models table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; margin: 0; padding: 0; }
.models th, .models td { border: 0; border-bottom: 1px solid var(--border-color-primary); padding: 6px 10px; text-align: left; }
.models td { white-space: nowrap; vertical-align: top; }
.models td small { display: block; font-size: 0.8em; color: color-mix(in srgb, var(--body-text-color) 75%, transparent); }
.models td.words small { white-space: normal; min-width: 130px; }
.models button { background: none; border: 0; border-radius: 0; padding: 0; text-align: left; color: inherit; cursor: pointer; }
.models thead th { vertical-align: bottom; padding: 0; background: var(--background-fill-secondary); }
.models thead button { padding: 6px 10px; min-height: 44px; font-size: 0.9em; font-weight: 600; width: 100%; }
.models thead button::after { content: " \u2195" / ""; opacity: 0.5; }
.models [aria-sort=ascending] button::after { content: " \u2191" / ""; opacity: 1; }
.models [aria-sort=descending] button::after { content: " \u2193" / ""; opacity: 1; }
.models tr > :first-child { position: sticky; left: 0; z-index: 1; border-right: 1px solid var(--border-color-primary); }
.models tbody th { background: var(--body-background-fill); vertical-align: top; }
.models tbody th button { font-weight: 500; font-size: 1em; white-space: nowrap; text-decoration: underline; min-height: 32px; }
.models tbody th span { font-weight: 500; white-space: nowrap; }
.models tbody th small { display: block; font-size: 0.8em; font-weight: 400; white-space: normal; max-width: 170px; }
.models tbody tr:has(button) { cursor: pointer; }
.models tbody tr:has(button):hover td { background: var(--background-fill-secondary); }
"""

# Numbers fall at the first click, words rise; a cell without a value stays at the end either way.
JS = """
const sort = (head) => {
  const heads = [...head.parentNode.children], index = heads.indexOf(head), body = element.querySelector('tbody');
  const value = (row) => row.children[index].dataset.value;
  const words = [...body.rows].some((row) => value(row) !== undefined && isNaN(value(row)));
  const before = head.getAttribute('aria-sort');
  const falling = before ? before === 'ascending' : !words;
  const compare = words ? (a, b) => a.localeCompare(b) : (a, b) => a - b;
  heads.forEach((other) => other.removeAttribute('aria-sort'));
  head.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
  const full = [...body.rows].filter((row) => value(row) !== undefined);
  const rest = [...body.rows].filter((row) => value(row) === undefined);
  full.sort((a, b) => (falling ? -1 : 1) * compare(value(a), value(b)));
  body.append(...full, ...rest);
};
element.addEventListener('click', (event) => {
  const head = event.target.closest('thead th'), row = event.target.closest('tbody tr');
  if (head) sort(head);
  else if (row) trigger('click', { model: row.dataset.model });
});
"""


def table(found: list[Row]) -> str:
    """The rows as one HTML table in a box that scrolls sideways; a column that no model fills is left out."""
    columns = {head: [make(row) for row in found] for head, make in _columns().items()}
    filled = {head: cells for head, cells in columns.items() if any(cell.value is not None for cell in cells)}
    heads = "".join(f'<th scope="col"><button type="button">{escape(head)}</button></th>' for head in ("Model", *filled))
    body = "".join(_row(row, [cells[i] for cells in filled.values()]) for i, row in enumerate(found))
    box = '<div class="models" tabindex="0" role="group" aria-label="All models">'
    return f"{box}<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"


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


def _row(row: Row, cells: list[Cell]) -> str:
    """A model's name is a button that shows its card; a baseline, which has none, says here what it is."""
    model, title = escape(row["model"]), escape(row["title"])
    served = row["model"] in MODELS
    shown = f'<button type="button">{model}</button>' if served else f"<span>{model}</span><small>{title}</small>"
    shown += "<small>reduced schedule</small>" if row["schedule"] == "reduced" else ""
    first = f'<th scope="row" data-value="{model}">{shown}</th>'
    return f'<tr data-model="{model}">{first}{"".join(_td(cell) for cell in cells)}</tr>'


def _td(cell: Cell) -> str:
    if cell.value is None:
        return "<td></td>"
    below = f"<small>{escape(cell.below)}</small>" if cell.below else ""
    kind = ' class="words"' if cell.below and not cell.below[0].isdigit() else ""
    return f'<td{kind} data-value="{escape(str(cell.value))}">{escape(cell.text)}{below}</td>'
