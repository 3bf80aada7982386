"""A model's card: everything its record knows, as HTML."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.registry import model_spec
from skinmodels.report import card_figures, card_making, elements
from skinmodels.report.rendering import templates, text
from skinmodels.report.words import claims_of
from skinmodels.spec import ModelSpec

TEMPLATES = "skinmodels.ui"
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
CSS = text(TEMPLATES, "card.css")


def card(name: str) -> str:
    """The card of that model as HTML; where its weights cannot be used, the sentence why and what is known without them.

    Raises SkinModelError for an unknown name.
    """
    spec, broken = model_spec(name), elements.EMPTY
    try:
        digest = weights.check(name).sha256
        path = weights.record_path(name)
        body = _body(name, digest, str(path), path.stat().st_mtime_ns)
    except SkinModelError as error:
        broken, body = elements.paragraph(str(error)), _without_record(spec)
    return templates(TEMPLATES).get_template("card.html").render(title=spec.title, name=name, broken=broken, body=body)


@lru_cache(maxsize=32)
def _body(name: str, _digest: str, _path: str, _changed: int) -> Markup:
    """All parts; drawn anew only where weights or record are others than before, since plots take a second."""
    record = weights.check(name)
    return elements.EMPTY.join(part(model_spec(name), record) for part in _PARTS)


def _without_record(spec: ModelSpec) -> Markup:
    claimed = elements.paragraph(claims_of(spec) or card_figures.NO_CLAIM)
    return elements.EMPTY.join([claimed, card_making.terms(spec), card_making.limitations(spec)])
