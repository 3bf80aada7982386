"""What the page says: about itself, about a model, about one prediction."""

from __future__ import annotations

from PIL import Image

from skinmodels import inference, labels, weights
from skinmodels.errors import SkinModelError
from skinmodels.inference import Prediction
from skinmodels.records import Record
from skinmodels.registry import MODELS
from skinmodels.report.limits import reduced, source_of_the_class
from skinmodels.report.numbers import between, figure
from skinmodels.report.words import DEVIATIONS, HEADLINE, RATES, SPLITS, claims_of, explained, listed, title
from skinmodels.spec import ModelSpec

TITLE = "SkinModels"

HEADER = """# SkinModels
Skin-lesion classifiers from published papers, rebuilt, trained on public pictures and measured on pictures kept out of it.

**This is research, never a diagnosis.** The networks know only the kinds of dermoscopic pictures they were trained on, they
are often wrong, and they answer for any picture, even one without skin. Their training data are non-commercial, and so is
this page. Uploaded pictures are deleted within the hour.
"""

# Where the result will stand.
WAITING = "No picture yet: upload one, take one with the camera, or click an example."


def facts(spec: ModelSpec) -> str:
    """Markdown on a model: its held-out figures beside its paper's claims, or the sentence why it cannot be used."""
    try:
        record = weights.check(spec.name)
    except SkinModelError as error:
        return f"**{error}**\n\n{claims_of(spec)}"
    return "\n\n".join(
        part
        for part in (
            _measured(spec, record),
            source_of_the_class(spec.dataset),
            _random_split(spec, record),
            _calibrated(record),
            claims_of(spec),
            _training(record),
        )
        if part
    )


def unusable(specs: list[ModelSpec]) -> str:
    """Markdown naming each of these models whose weights cannot be used, and why; empty where all can."""
    lines = []
    for spec in specs:
        try:
            weights.check(spec.name)
        except SkinModelError as error:
            lines.append(f"{error}")
    return "\n\n".join(lines)


def _measured(spec: ModelSpec, record: Record) -> str:
    test = record.test
    if test is None:
        return "Held-out figures: none in this model's record."
    kind = SPLITS.get(record.split.kind, "")
    lines = [
        f"{_trained(record)}Measured on {test.n:,} pictures kept out of training" + (f" ({kind})." if kind else "."),
        "",
        "| Held-out figure | Value | 95 % interval |",
        "|---|---|---|",
    ]
    for key in _metrics(spec):
        if (value := test.value(key)) is not None:
            words = title(explained(key, spec.binary))
            lines.append(f"| {words} | {figure(value)} | {between(test.interval(key), nothing='')} |")
    return "\n".join(lines)


def _metrics(spec: ModelSpec) -> tuple[str, ...]:
    return (*HEADLINE, *(RATES if spec.binary else ()))


def _trained(record: Record) -> str:
    count = record.split.n.get("train")
    return f"Trained on {count:,} pictures. " if count else ""


def _training(record: Record) -> str:
    lines = reduced(record)
    if deviations := record.training.deviations:
        lines.append(f"{DEVIATIONS} {'; '.join(deviations)}.")
    return "\n\n".join(lines)


def _random_split(spec: ModelSpec, record: Record) -> str:
    test = record.test_random_split
    if test is None:
        return ""
    figures = "; ".join(
        f"{explained(key, spec.binary)} {figure(value)}" for key in _metrics(spec) if (value := test.value(key)) is not None
    )
    return (
        f"With the paper's kind of split, where pictures of one lesion may lie on both sides: {figures} "
        f"(measured on {test.n:,} pictures)."
    )


def _calibrated(record: Record) -> str:
    """Whether the probabilities shown are the network's own."""
    if not (fitted := record.calibration):
        return "The probabilities shown are the network's own, not calibrated: 90 % does not mean right nine times out of ten."
    return (
        f"The probabilities shown are calibrated by temperature scaling (temperature {fitted.temperature:.2f}, fitted on "
        f"{fitted.n:,} pictures of their own), for pictures like those of the set."
    )


def done(spec: ModelSpec, picture: Image.Image, prediction: Prediction) -> str:
    """Markdown on what came out, on top, as a set and on the axis of all models, and on what was done to the picture."""
    code, share = max(prediction.probabilities.items(), key=lambda item: item[1])
    return "\n\n".join(
        part
        for part in (
            f"Highest: {labels.readable(code)}, {share:.1%}.",
            _conformal(prediction),
            _malignancy(spec, prediction),
            f"What was done to the picture ({picture.width}x{picture.height} pixels): "
            f"{spec.preprocessing.words((picture.height, picture.width))}. "
            f"The network took {prediction.seconds * 1000:.0f} ms.",
        )
        if part
    )


def _conformal(prediction: Prediction) -> str:
    """The conformal set in plain words; empty where the model has none."""
    fitted = inference.loaded(prediction.name).record.conformal
    if prediction.conformal is None or fitted is None:
        return ""
    coverage = f"{fitted.coverage * 100:.0f} %"
    if not prediction.conformal:
        return f"With {coverage} coverage: an empty set, since no class fits well enough."
    return f"With {coverage} coverage: {listed(tuple(map(_in_sentence, prediction.conformal)))}."


def _in_sentence(code: str) -> str:
    name = labels.NAMES[code]
    return name[0].lower() + name[1:]


def _malignancy(spec: ModelSpec, prediction: Prediction) -> str:
    codes = [code for code in spec.labels if code in labels.MALIGNANT]
    summed = f"the sum over {', '.join(codes)}; what counts is a choice, see Compare" if len(codes) > 1 else "this class alone"
    spots = labels.blind_spots(spec.labels)
    blind = f" It has no class for {listed(spots)}." if spots else ""
    return f"Probability of malignancy: {prediction.malignancy:.1%} ({summed}).{blind}"


def footer() -> str:
    """Markdown naming the papers and the data with their licences."""
    papers = {spec.paper.number: spec.paper for spec in MODELS.values() if spec.paper}
    datasets = {spec.dataset.key: spec.dataset for spec in MODELS.values()}
    lines = ["## Papers and data", "The networks follow these papers:", ""]
    lines += [f"- {paper.citation}" + (f" <{paper.url}>" if paper.url else "") for _, paper in sorted(papers.items())]
    lines += ["", "They were trained on these pictures:", ""]
    lines += [f"- [{dataset.title}]({dataset.url}): {dataset.licence}" for dataset in datasets.values()]
    lines += ["", "Code: Apache-2.0. Weights: for research and non-commercial use, as the data's licences ask."]
    return "\n".join(lines)
