"""The few HTML elements a model's card is made of. Whatever comes in as text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def section(title: str, *parts: str) -> str:
    """A heading over parts that are HTML already; empty where all parts are."""
    body = "".join(part for part in parts if part)
    return f"<section><h3>{escape(title)}</h3>{body}</section>" if body else ""


def paragraph(text: str) -> str:
    """A paragraph of plain text; empty for an empty text."""
    return f"<p>{escape(text)}</p>" if text else ""


def bullets(texts: Iterable[str]) -> str:
    """A list of plain texts; empty where there are none."""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def code(text: str) -> str:
    """A command that scrolls sideways where it is too long."""
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain texts, first column as row headings, scrolling sideways within itself; empty without rows."""
    body = "".join(_row(first, "".join(f"<td>{escape(cell)}</td>" for cell in rest)) for first, *rest in rows)
    return _scrolling(caption, head, body) if body else ""


def shaded_table(caption: str, head: Sequence[str], rows: Iterable[tuple[str, Sequence[tuple[str, float]]]]) -> str:
    """As ``table``, each cell a text and how strongly it is shaded, 0..1."""
    body = "".join(_row(first, "".join(_shaded(text, share) for text, share in cells)) for first, cells in rows)
    return _scrolling(caption, head, body, "shaded") if body else ""


def plot(svg: str, caption: str) -> str:
    """An ``<svg>`` with its caption of plain text."""
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def side_by_side(*parts: str) -> str:
    """Parts that are HTML already beside each other where there is room; empty where all are."""
    body = "".join(f"<div>{part}</div>" for part in parts if part)
    return f'<div class="beside">{body}</div>' if body else ""


def _row(first: str, cells: str) -> str:
    return f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'


def _shaded(text: str, share: float) -> str:
    # At most 60 % of the colour: text keeps its contrast on it, in light and dark.
    shade = f"color-mix(in srgb, var(--primary-500) {round(60 * share)}%, transparent)"
    return f'<td style="background: {shade}">{escape(text)}</td>'


def _scrolling(caption: str, head: Sequence[str], body: str, kind: str = "") -> str:
    """A table in a box that scrolls sideways, reachable by keyboard."""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    inner = f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody>"
    # The caption stands above the box, so that it stays in sight and wraps with the page.
    said = f'<p class="caption">{escape(caption)}</p>'
    box = f'<div class="scrolls" tabindex="0" role="group" aria-label="{escape(caption)}">'
    return f'{said}{box}<table class="{kind}">{inner}</table></div>'
