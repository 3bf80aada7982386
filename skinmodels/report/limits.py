"""What a model's figures do not promise. Said on its card, on the page and in the file for the Hub alike."""

from __future__ import annotations

from skinmodels import labels, weights
from skinmodels.records import Record
from skinmodels.report.numbers import figure
from skinmodels.report.words import METRICS, listed
from skinmodels.spec import DataSet, ModelSpec, Preprocessing

RESEARCH_ONLY = "Research only, never a diagnosis. Not for commercial use."

_ALL = (
    "Dermoscopy only: the training pictures were taken through a dermatoscope.",
    "The public sets come mostly from people with light skin and do not record skin type.",
    "The test pictures were collected in specialist clinics, with far more cancers than a doctor meets.",
    "It answers for any picture, even one without skin: it has no answer for something it does not know.",
)


def limits(spec: ModelSpec, record: Record | None = None) -> list[str]:
    """Sentences on what this model is not good for, with its record or without."""
    found = [RESEARCH_ONLY, *_ALL]
    if blind := labels.blind_spots(spec.labels):
        found.append(f"It has no class for {listed(blind)}, and gives such a lesion another name.")
    found.append(f"It sees {_seen(spec.preprocessing)}, where fine structure is lost.")
    if source := source_of_the_class(spec.dataset):
        found.append(source)
    found += spec.dataset.caveats
    return [*found, *reduced(record)]


def reduced(record: Record | None) -> list[str]:
    """One sentence where a network was trained for less than its recipe asks for, else none."""
    if record is None or record.training.schedule != "reduced":
        return []
    epochs = f"{record.training.epochs} epochs, " if record.training.epochs is not None else ""
    return [f"Trained with a reduced schedule: {epochs}fewer than the recipe has, or shorter ones."]


def _seen(preprocessing: Preprocessing) -> str:
    """The pixels that a picture has where it has fewest on its way to the network, and what they are enlarged to."""
    height, width = (min(pair) for pair in zip(preprocessing.size, preprocessing.source_size, strict=True))
    enlarged = f"{preprocessing.size[1]}x{preprocessing.size[0]}"
    return f"{width}x{height} pixels" + ("" if enlarged == f"{width}x{height}" else f" (enlarged to {enlarged})")


def source_of_the_class(dataset: DataSet) -> str:
    """What gives the set's classes away besides the lesion, and how much, as baselines that see no lesion tell; else empty."""
    if not dataset.confounder:
        return ""
    areas = {record.name: record.test.auc for record in weights.baselines() if record.test}
    told = [(its.words, areas.get(its.record)) for its in dataset.given_away]
    figures = [f"{words} reaches {METRICS['auc']} {figure(area)}" for words, area in told if area is not None]
    seeing = f" A classifier that sees nothing but {', and one that sees nothing but '.join(figures)}." if figures else ""
    return dataset.confounder + seeing
