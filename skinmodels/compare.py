"""One picture, several models: their answers one after the other, and how far they agree on malignancy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image

from skinmodels import inference, labels
from skinmodels.errors import SkinModelError
from skinmodels.inference import Prediction
from skinmodels.registry import MODELS, model_spec
from skinmodels.versions import versions


@dataclass(frozen=True)
class Answer:
    """What one model makes of the picture, or why it could not be asked.

    Attributes:
        name: the model's.
        prediction: None where there is an error.
        weights_sha256: of the weights that answered, 64 hex digits; empty where there is an error.
        error: one sentence, empty where all went well.
    """

    name: str
    prediction: Prediction | None = None
    weights_sha256: str = ""
    error: str = ""


@dataclass(frozen=True)
class Agreement:
    """How models stand to each other on the probability of malignancy.

    Attributes:
        models: how many answered, at least 2.
        malignant: how many of them gave 50 % or more.
        low, high: the least and the greatest probability of malignancy, 0..1.
    """

    models: int
    malignant: int
    low: float
    high: float

    @property
    def majority(self) -> int:
        """How many models lie on the side of 50 % where more of them are."""
        return max(self.malignant, self.models - self.malignant)

    @property
    def share(self) -> float:
        """The majority's share of the models, 0.5..1."""
        return self.majority / self.models

    @property
    def spread(self) -> float:
        """Distance of the two models furthest apart, 0..1."""
        return self.high - self.low


def chosen(names: Iterable[str] | None) -> list[str]:
    """The models to ask, each once, in display order; all for None.

    Raises:
        SkinModelError: no model, or one that there is not.
    """
    if names is None:
        return list(MODELS)
    wanted = {model_spec(name).name for name in names}
    if not wanted:
        raise SkinModelError("Expected at least one model to compare. Received: none.")
    return [name for name in MODELS if name in wanted]


def answers(names: Sequence[str], image: Image.Image) -> Iterator[Answer]:
    """Each model's answer for an RGB picture of any size, in the order of ``names``, as soon as it is there.

    A model that cannot be used is an answer with its error; the others go on.
    """
    for name in names:
        try:
            prediction = inference.predict(name, image)
            yield Answer(name, prediction, inference.loaded(name).record.sha256)
        except SkinModelError as error:
            yield Answer(name, error=str(error))


def agreement(malignancies: Sequence[float]) -> Agreement | None:
    """How far these probabilities of malignancy, 0..1, agree; None for fewer than two."""
    if len(malignancies) < 2:
        return None
    return Agreement(len(malignancies), sum(m >= 0.5 for m in malignancies), min(malignancies), max(malignancies))


def malignancies(found: Iterable[Answer]) -> list[float]:
    """The probability of malignancy of each model that answered."""
    return [answer.prediction.malignancy for answer in found if answer.prediction]


def as_json(picture: Image.Image, found: Sequence[Answer]) -> dict[str, Any]:
    """All there is to say about these answers, for programs: picture, rows, agreement, the axis and its source, versions."""
    agreed = agreement(malignancies(found))
    return {
        "picture": {"sha256": picture.info.get("sha256"), "width": picture.width, "height": picture.height},
        "rows": [_row(answer) for answer in found],
        "agreement": asdict(agreed) | {"share": agreed.share, "spread": agreed.spread} if agreed else None,
        "malignant": sorted(labels.MALIGNANT),
        "malignant_source": labels.MALIGNANT_SOURCE,
        "versions": versions(),
    }


def _row(answer: Answer) -> dict[str, Any]:
    prediction = answer.prediction
    probabilities = prediction.probabilities if prediction else {}
    return {
        "model": answer.name,
        "weights_sha256": answer.weights_sha256,
        "top": max(probabilities, key=probabilities.__getitem__, default=""),
        "probabilities": probabilities,
        "malignancy": prediction.malignancy if prediction else None,
        "conformal": list(prediction.conformal) if prediction and prediction.conformal is not None else None,
        "blind_spots": list(labels.blind_spots(MODELS[answer.name].labels)),
        "seconds": prediction.seconds if prediction else None,
        "error": answer.error,
    }
