"""A model's card: everything its record knows, as HTML."""

from __future__ import annotations

import html
from functools import lru_cache

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.registry import model_spec
from skinmodels.report import card_figures, card_making
from skinmodels.report.html import paragraph
from skinmodels.report.words import claims_of

_PARTS = (
    card_figures.headline,
    card_figures.classes,
    card_figures.calibration,
    card_figures.operating_points,
    card_figures.conformal,
    card_figures.subgroups,
    card_figures.external,
    card_making.training,
    card_making.optimisers,
    card_making.terms,
    card_making.limitations,
)

# Of the card alone: its tables scroll inside themselves, and its plots stand side by side where there is room.
CSS = """
.card h2 { font-size: 1.3em; font-weight: 600; margin: 0 0 8px; overflow-wrap: anywhere; }
.card h3 { font-size: 1.1em; font-weight: 600; margin: 24px 0 8px; }
.card p, .card li { margin: 6px 0; overflow-wrap: anywhere; }
.card ul { padding-left: 20px; list-style: disc; }
.card pre { overflow-x: auto; padding: 8px; background: var(--background-fill-secondary); }
.card .scrolls { overflow-x: auto; max-width: 100%; margin: 4px 0 12px; }
.card table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.card .caption, .card .caption { margin: 12px 0 0; }
.card th, .card td { border: 1px solid var(--border-color-primary); padding: 4px 8px; text-align: left; }
.card thead th { vertical-align: bottom; font-weight: 600; }
.card tbody th { position: sticky; left: 0; min-width: 100px; font-weight: 500; background: var(--body-background-fill); }
.card td { white-space: nowrap; }
.card .shaded tbody th { min-width: 0; }
.card .shaded td { text-align: right; min-width: 44px; }
.card .beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 16px; }
.card .beside > div { min-width: 0; }
.card figure { margin: 0; max-width: 420px; }
.card figure svg { display: block; width: 100%; height: auto; overflow: visible; }
.card figure svg text { font-family: inherit !important; }
.card .broken { border-left: 4px solid var(--body-text-color-subdued); padding-left: 12px; }
"""


def card(name: str) -> str:
    """The card of that model as HTML; where its weights cannot be used, the sentence why and what is known without them.

    Raises SkinModelError for an unknown name.
    """
    title = model_spec(name).title
    try:
        digest = weights.check(name).sha256
        path = weights.record_path(name)
        body = _body(name, digest, str(path), path.stat().st_mtime_ns)
    except SkinModelError as error:
        body = f'<div class="broken">{paragraph(str(error))}</div>{_without_record(name)}'
    return f'<article class="card"><h2>{html.escape(title)} (<code>{html.escape(name)}</code>)</h2>{body}</article>'


@lru_cache(maxsize=32)
def _body(name: str, _digest: str, _path: str, _changed: int) -> str:
    """All parts; drawn anew only where weights or record are others than before, since plots take a second."""
    record = weights.check(name)
    return "".join(part(model_spec(name), record) for part in _PARTS)


def _without_record(name: str) -> str:
    spec = model_spec(name)
    return "".join(
        [paragraph(claims_of(spec) or card_figures.NO_CLAIM), card_making.terms(spec), card_making.limitations(spec)]
    )
