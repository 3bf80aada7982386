"""The few elements a model's card is made of, each from its template; whatever comes in as text is escaped there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from skinmodels.report.rendering import templates

EMPTY = Markup()


def section(title: str, *parts: Markup) -> Markup:
    """A heading over its parts; empty where all parts are."""
    filled = [part for part in parts if part]
    return _element("section", title, filled) if filled else EMPTY


def paragraph(text: str) -> Markup:
    """A paragraph of plain text; empty for an empty text."""
    return _element("paragraph", text) if text else EMPTY


def bullets(texts: Iterable[str]) -> Markup:
    """A list of plain texts; empty where there are none."""
    listed = list(texts)
    return _element("bullets", listed) if listed else EMPTY


def code(text: str) -> Markup:
    """A command that scrolls sideways where it is too long; empty for an empty text."""
    return _element("code", text) if text else EMPTY


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """A table of plain texts, first column as row headings, scrolling sideways within itself; empty without rows."""
    listed = [list(row) for row in rows]
    return _element("table", caption, head, listed) if listed else EMPTY


def shaded_table(caption: str, head: Sequence[str], rows: Iterable[tuple[str, Sequence[tuple[str, float]]]]) -> Markup:
    """As ``table``, each cell a text and how strongly it is shaded, 0..1."""
    listed = list(rows)
    return _element("shaded_table", caption, head, listed) if listed else EMPTY


def plot(svg: str, caption: str) -> Markup:
    """An ``<svg>`` with its caption of plain text."""
    return _element("plot", svg, caption)


def side_by_side(*parts: Markup) -> Markup:
    """Parts beside each other where there is room; empty where all are."""
    filled = [part for part in parts if part]
    return _element("side_by_side", filled) if filled else EMPTY


def _element(name: str, *values: Any) -> Markup:
    return Markup(getattr(templates("skinmodels.report").get_template("elements.html").module, name)(*values))
