"""Models' answers as HTML: a table with a row a model, and their probabilities of malignancy as bars on one axis.

All text in it is this page's own, escaped; of a picture or a link there are numbers, and pictures encoded here.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image

from skinmodels import labels
from skinmodels.compare import Agreement, Answer, agreement
from skinmodels.registry import MODELS

# Larger views are reduced to this many pixels for the table.
_THUMBNAIL = 96

CSS = """
.answers table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.answers th, .answers td { border: 0 solid var(--border-color-primary) !important; padding: 6px 8px; text-align: left; }
.answers thead th, .answers tbody th, .answers tbody td { border-bottom-width: 1px !important; }
.answers thead th { font-weight: 600; vertical-align: bottom; }
.answers tbody th { font-weight: 500; }
.answers table, .answers thead, .answers tr { border: 0 !important; }
.answers td.n, .answers th.n, .answers dd.n { text-align: right; white-space: nowrap; }
.answers small { display: block; color: var(--body-text-color-subdued); font-weight: 400; font-size: 0.9em; }
.answers img { width: 56px; height: 56px; min-width: 56px; image-rendering: pixelated; border-radius: 2px; }
.answers h3 { font-size: 1.1em; font-weight: 600; margin: 20px 0 6px; }
.answers p { margin: 6px 0; overflow-wrap: anywhere; }
.answers dl { margin: 8px 0; display: grid; grid-template-columns: minmax(0, max-content) 1fr 4.5em; gap: 6px 10px;
  align-items: center; }
.answers dd { margin: 0; }
.answers .bar { height: 16px; background: linear-gradient(to right, transparent calc(50% - 1px), var(--body-text-color) 0,
  var(--body-text-color) calc(50% + 1px), transparent 0), var(--border-color-primary); position: relative; }
.answers .bar i { display: block; height: 8px; position: absolute; top: 4px; left: 0; background: var(--primary-500); }
@media (max-width: 640px) {
  .answers thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .answers tbody tr { display: block; padding: 8px 0; overflow: hidden;
    border-bottom: 1px solid var(--border-color-primary) !important; }
  .answers tbody th, .answers tbody td, .answers tbody td.n { display: block; border: 0 !important; text-align: left;
    padding: 1px 0 !important; }
  .answers tbody td.picture ~ th, .answers tbody td.picture ~ td { padding-left: 68px !important; }
  .answers tbody td.picture { float: left; padding: 0 !important; }
  .answers td[data-name]::before { content: attr(data-name) ": "; color: var(--body-text-color-subdued); }
  .answers dl { grid-template-columns: 1fr 4.5em; }
  .answers dt { grid-column: 1 / -1; margin-bottom: -4px; }
}
"""


@dataclass(frozen=True)
class Line:
    """A row of the table. Shares are 0..1; what a model or a link does not have is None or empty.

    Attributes:
        name: the model's.
        probabilities: by label; empty where there is an error.
        thumbnail: what the network saw.
        seconds: how long it took.
        note: one more sentence.
        error: why there is no answer.
    """

    name: str
    probabilities: dict[str, float]
    thumbnail: Image.Image | None = None
    seconds: float | None = None
    note: str = ""
    error: str = ""


def block(*parts: str) -> str:
    """Parts that are HTML already as one element, to be shown with ``CSS``."""
    return f'<div class="answers">{"".join(parts)}</div>'


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def line(answer: Answer) -> Line:
    """The table's row for a model's answer."""
    note = blind(answer.name)
    if answer.prediction is None:
        return Line(answer.name, {}, note=note, error=answer.error)
    return Line(answer.name, answer.prediction.probabilities, answer.prediction.seen, answer.prediction.seconds, note)


def blind(name: str) -> str:
    """A sentence on what that model cannot see; empty where it has a class for every malignant diagnosis."""
    spots = labels.blind_spots(MODELS[name].labels)
    return f"Has no class for {' or '.join(spots)}." if spots else ""


def table(lines: Sequence[Line], caption: str) -> str:
    """The answers as a table, with columns for thumbnails and times only where some row has them."""
    seen, timed = any(its.thumbnail for its in lines), any(its.seconds is not None for its in lines)
    head = [
        *(["Network saw"] if seen else []),
        "Model",
        "Highest class",
        "Probability",
        "Malignancy",
        *(["Time"] if timed else []),
    ]
    cells = "".join(f'<th scope="col"{_numeric(name)}>{name}</th>' for name in head)
    rows = "".join(_row(its, seen, timed) for its in lines)
    return f'<table aria-label="{escape(caption)}"><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>'


def _numeric(name: str) -> str:
    return ' class="n"' if name in ("Probability", "Malignancy", "Time") else ""


def _row(its: Line, seen: bool, timed: bool) -> str:
    cells = [f'<td class="picture">{_image(its.thumbnail, its.name) if its.thumbnail else ""}</td>'] if seen else []
    small = "".join(f"<small>{escape(words)}</small>" for words in (its.name, its.note) if words)
    cells.append(f'<th scope="row">{escape(MODELS[its.name].title)}{small}</th>')
    if its.error:
        cells.append(f'<td colspan="{3 + timed}">{escape(its.error)}</td>')
    else:
        code = max(its.probabilities, key=its.probabilities.__getitem__)
        cells.append(f"<td>{escape(labels.readable(code))}</td>")
        figures = {"Probability": its.probabilities[code], "Malignancy": labels.malignancy(its.probabilities)}
        cells += [f'<td class="n" data-name="{name}">{share:.1%}</td>' for name, share in figures.items()]
        if timed:
            time = "" if its.seconds is None else f"{its.seconds * 1000:.0f} ms"
            cells.append(f'<td class="n" data-name="Time">{time}</td>')
    return f'<tr data-model="{escape(its.name)}">{"".join(cells)}</tr>'


def axis(lines: Sequence[Line]) -> str:
    """Bars of the probability of malignancy, a model each, what is counted, and how far the models agree."""
    shares = {its.name: labels.malignancy(its.probabilities) for its in lines if not its.error}
    if not shares:
        return ""
    bars = "".join(
        f'<dt>{escape(MODELS[name].title)}</dt><dd class="bar" aria-hidden="true"><i style="width: {share:.1%}"></i></dd>'
        f'<dd class="n">{share:.1%}</dd>'
        for name, share in shares.items()
    )
    return (
        f"<h3>Probability of malignancy</h3><dl>{bars}</dl>{paragraph(agreed(agreement(list(shares.values()))))}"
        + paragraph(f"{counted(shares)} {labels.MALIGNANT_SOURCE}")
    )


def agreed(found: Agreement | None) -> str:
    """One sentence on how far the models agree."""
    if found is None:
        return "One model alone: nothing to agree with."
    benign = found.models - found.malignant
    if found.malignant == benign:
        sides = f"Agreement: none, {benign} models lie below 50 % and {benign} at or above it"
    else:
        side = "at or above" if found.malignant > benign else "below"
        sides = f"Agreement: {found.majority} of {found.models} models ({found.share:.0%}) lie {side} 50 %"
    return f"{sides}; from {found.low:.1%} to {found.high:.1%}, a spread of {found.spread * 100:.1f} percentage points."


def counted(names: Iterable[str]) -> str:
    """Which codes of these models' labels count as malignant."""
    codes = dict.fromkeys(code for name in names for code in MODELS[name].labels if code in labels.MALIGNANT)
    return f"The bar is the sum over the classes {', '.join(codes)}; the upright line is at 50 %."


def picture(image: Image.Image, words: str) -> str:
    """An image element holding the picture itself; ``words`` are its text alternative."""
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=max(image.size) <= 64, quality=80, method=0)
    return f'<img alt="{escape(words)}" src="data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}">'


def _image(seen: Image.Image, name: str) -> str:
    small = seen.copy() if max(seen.size) > _THUMBNAIL else seen
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    return picture(small, f"What {MODELS[name].title} saw")
