"""The parts of a model's card that tell how good it is: a function a part, empty where the record has nothing for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from skinmodels import labels, weights
from skinmodels.errors import SkinModelError
from skinmodels.measured import Block, External, Figures, Malignancy, OperatingPoints
from skinmodels.records import Record
from skinmodels.report import elements, plots
from skinmodels.report.numbers import NOTHING, between, figure
from skinmodels.report.words import BLOCKS, HEADLINE, METRICS, RATES, claims_of, metric
from skinmodels.spec import ModelSpec

NO_CLAIM = "No paper claims a figure for it."
_SHARED = ("test_clean", "test")
_SUBGROUPS = {"sex": "sex", "age_band": "age", "site": "body site", "diagnosis_by": "how the diagnosis was made"}


def best_block(record: Record) -> tuple[Block, str] | None:
    """The cleanest block that the record has and which pictures it was measured on, or None."""
    return next(((block, words) for key, words in BLOCKS.items() if (block := record.block(key))), None)


def headline(spec: ModelSpec, record: Record) -> Markup:
    """Measured figures of every block beside what the paper claims, then what they are to be measured against."""
    weighted = any(claim.metric.startswith("weighted") for claim in spec.claims)
    # By class size, as some papers print it; the weighted recall is the accuracy.
    by_size = ("weighted_precision", "weighted_f1") if weighted else ()
    metrics = (*HEADLINE, "macro_f1", *(RATES if spec.binary else ()), *by_size)
    rows = [[words, *_measured(block, metrics)] for key, words in BLOCKS.items() if (block := record.block(key))]
    for yardstick in spec.dataset.yardsticks:
        its = _record(yardstick.record) if yardstick.record != spec.name else None
        for key in _SHARED if its else ():
            if its and (block := its.block(key)):
                rows.append([f"for comparison, {yardstick.words}: {BLOCKS[key]}", *_measured(block, metrics)])
    head = ["measured on", "pictures", *map(metric, metrics), f"{METRICS['ece']}, uncalibrated"]
    measured = elements.table("Held-out figures with 95 % intervals", head, rows)
    return elements.section(
        "Claimed and measured",
        elements.paragraph(claims_of(spec) or NO_CLAIM),
        measured,
        elements.paragraph(_clean(spec, record)),
    )


def _measured(block: Block, metrics: Iterable[str]) -> list[str]:
    return [f"{block.n:,}", *_figures(block, metrics), figure(block.ece)]


def _record(name: str) -> Record | None:
    """That record, None where there is none that can be read."""
    try:
        return weights.read_record(name)
    except SkinModelError:
        return None


def _clean(spec: ModelSpec, record: Record) -> str:
    """What was left out of the clean part, in plain text."""
    if record.test is None or record.test_clean is None:
        return ""
    left_out = record.test.n - record.test_clean.n
    outside = "".join(f" or in {other.title}" for other in spec.dataset.shares)
    return (
        f"Clean: without the {left_out:,} test pictures that share a lesion or a near-duplicate with a picture in this model's "
        f"training or validation{outside}."
    )


def classes(spec: ModelSpec, record: Record) -> Markup:
    """ROC curves, confusion matrix and figures class by class, on the cleanest pictures there are."""
    if (found := best_block(record)) is None:
        return elements.EMPTY
    block, words = found
    where = f"On the {block.n:,} pictures of the {words}."
    names = {code: labels.readable(code) for code in spec.labels}
    drawn = elements.EMPTY
    if curves := block.roc:
        # Both curves of a network with one output unit are the same curve, seen from either side.
        shown = {code: curves[code] for code in (spec.labels[1:] if spec.binary else spec.labels) if code in curves}
        drawn = elements.plot(
            plots.roc(shown, {code: code for code in shown}), f"ROC curves, each class against the rest. {where}"
        )
    per_class = [
        [names[code], *map(figure, (row.precision, row.recall, row.f1)), f"{row.n:,}"] for code, row in block.per_class.items()
    ]
    return elements.section(
        "Class by class",
        elements.side_by_side(
            drawn,
            elements.table(f"Figures by class. {where}", ["class", "precision", "recall", "F1", "pictures"], per_class),
        ),
        _confusion(spec, block, where),
    )


def _confusion(spec: ModelSpec, block: Block, where: str) -> Markup:
    """The confusion matrix as a table whose cells are shaded by their share of the row."""
    rows = []
    for code, counts in zip(spec.labels, block.confusion_matrix, strict=False):
        whole = max(sum(counts), 1)
        rows.append((code, [(f"{count}", count / whole) for count in counts]))
    if not rows:
        return elements.EMPTY
    caption = f"Confusion matrix: a row a true class, a column an answer, shaded by share of the row. {where}"
    return elements.shaded_table(caption, ["true class", *spec.labels], rows)


def calibration(_spec: ModelSpec, record: Record) -> Markup:
    """Reliability before and after temperature scaling."""
    fitted, test = record.calibration, record.test
    if not fitted:
        if test is None or not test.reliability:
            return elements.EMPTY
        drawn = plots.reliability({"uncalibrated": test.reliability})
        caption = f"Uncalibrated, on the {test.n:,} pictures of the whole test part: ECE {figure(test.ece)}."
        return elements.section("Calibration", elements.plot(drawn, caption))
    sides = {"before scaling": fitted.before, "after scaling": fitted.after}
    drawn = plots.reliability({words: side.reliability for words, side in sides.items()})
    rows = [[words, figure(side.ece), figure(side.nll)] for words, side in sides.items()]
    return elements.section(
        "Calibration",
        elements.paragraph(
            f"Temperature {fitted.temperature:.3f}, fitted on {fitted.n:,} pictures of their own, is applied to every "
            "answer of this page. ECE is the mean distance of probability and truth over 15 bins of the top label."
        ),
        elements.side_by_side(
            elements.plot(drawn, "Reliability on the whole test part. On the dotted line, a probability means what it says."),
            elements.table("On the whole test part", ["probabilities", metric("ece"), metric("nll")], rows),
        ),
    )


def operating_points(spec: ModelSpec, record: Record) -> Markup:
    """Sensitivity, specificity and predictive value for malignant against benign."""
    if not (found := record.operating_points):
        return elements.EMPTY
    clean = record.operating_points_clean
    return elements.section(
        "Malignant against benign",
        elements.paragraph(
            f"Malignant here: {', '.join(found.malignant)}. {found.n_malignant:,} of {found.n:,} test pictures are. "
            f"{METRICS['auc']} {figure(found.auc, found.auc_interval)}. Thresholds on the probability of malignancy, but "
            "for the default, were fitted on the calibration half; the figures are those of the test part. PPV: the share of "
            "alarms that are right, where so many of those examined have a cancer."
        ),
        elements.paragraph(labels.MALIGNANT_SOURCE),
        _points("Operating points with 95 % intervals", found, _claimed_points(spec)),
        _points(f"The same on the clean part, {clean.n:,} pictures", clean) if clean else elements.EMPTY,
    )


def _claimed_points(spec: ModelSpec) -> list[list[str]]:
    """Rows with the pairs of sensitivity and specificity that the paper prints."""
    rows = []
    for where in dict.fromkeys(claim.where for claim in spec.claims):
        its = {claim.metric: claim.value for claim in spec.claims if claim.where == where}
        if its.keys() >= set(RATES):
            rows.append([f"the paper: {where}", NOTHING, *(figure(its[key]) for key in RATES)])
    return rows


def _points(title: str, found: OperatingPoints, claimed: Sequence[list[str]] = ()) -> Markup:
    prevalences = list(found.points[0].ppv) if found.points else []
    rows = [
        [
            point.name,
            figure(point.threshold),
            figure(point.sensitivity, point.sensitivity_interval),
            figure(point.specificity, point.specificity_interval),
            *(figure(point.ppv.get(prevalence)) for prevalence in prevalences),
        ]
        for point in found.points
    ]
    rows += [[*row, *(NOTHING for _ in prevalences)] for row in claimed]
    head = ["point", "threshold", *map(metric, RATES), *(f"PPV at {float(p):.0%}" for p in prevalences)]
    return elements.table(title, head, rows)


def conformal(_spec: ModelSpec, record: Record) -> Markup:
    """Coverage of the prediction sets on test."""
    if not (fitted := record.conformal):
        return elements.EMPTY
    test = fitted.test
    rows = [
        [
            labels.readable(code),
            "its own class" if fitted.kind.get(code) == "class" else "all classes",
            figure(row.coverage),
            between(row.band),
            _within(row.within),
            f"{row.n:,}",
            f"{row.calibration_n:,}",
        ]
        for code, row in test.per_class.items()
    ]
    sizes = ", ".join(f"{size} in {count:,}" for size, count in test.sizes.items() if count)
    words = (
        f"Sets of classes made to hold the right one in {fitted.coverage:.0%} of pictures. On {test.n:,} test pictures "
        f"they held it in {test.coverage or 0:.1%}; both sample sizes allow {between(test.band)} (99 % band): "
        f"{'inside' if test.within else 'OUTSIDE'}. Mean size {test.mean_size:.2f} classes"
        + (f" (size {sizes} pictures)." if sizes else ".")
    )
    head = ["class", "threshold from", "coverage", "99 % band", "inside", "test pictures", "calibration pictures"]
    return elements.section("Conformal sets", elements.paragraph(words), elements.table("Coverage by class", head, rows))


def _within(within: bool | None) -> str:
    return NOTHING if within is None else "yes" if within else "no"


def subgroups(_spec: ModelSpec, record: Record) -> Markup:
    """Figures by sex, age, body site and how the diagnosis was made."""
    metrics = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "auc")
    tables = []
    for column, values in record.subgroups.items():
        words = _SUBGROUPS.get(column, column)
        rows = [[value, f"{row.n:,}", f"{row.n_malignant:,}", *_figures(row, metrics)] for value, row in values.items()]
        tables.append(
            elements.table(f"By {words}, with 95 % intervals", [words, "pictures", "malignant", *map(metric, metrics)], rows)
        )
    note = (
        "Of the whole test part, those pictures of which it is known. Sensitivity, specificity and ROC-AUC: malignant against "
        "benign. A dash: too few pictures for a figure."
    )
    return elements.section("Slices of the test part", elements.paragraph(note if tables else ""), *tables)


_ACCURACIES = ("accuracy", "balanced_accuracy")
_AXIS = ("auc", *RATES)


def external(_spec: ModelSpec, record: Record) -> Markup:
    """What the model does on other sets: on the common axis, where labels match, and by skin type."""
    parts, rows, matching = [], [], []
    for found in record.external.values():
        if found.malignancy:
            rows.append(_on_axis(found.title, found.malignancy))
        if found.malignancy_without_ack:
            rows.append(_on_axis(f"{found.title}, without actinic keratoses", found.malignancy_without_ack))
        if same := found.matching:
            figures = _figures(same, _ACCURACIES)
            matching.append([found.title, ", ".join(same.labels), f"{same.n:,}", *figures])
        parts.append(elements.paragraph(f"{found.title}: {found.note}" if found.note else ""))
        parts.append(_by_fitzpatrick(found))
    head = ["set", "pictures", "malignant", *map(metric, _AXIS)]
    same_head = ["set", "labels", "pictures", *map(metric, _ACCURACIES)]
    return elements.section(
        "On other sets",
        elements.table("Malignant against benign on sets it was not trained on, with 95 % intervals", head, rows),
        elements.table("Where the labels match", same_head, matching),
        *parts,
    )


def _by_fitzpatrick(found: External) -> Markup:
    rows = [_on_axis(f"type {kind}", row) for kind, row in found.by_fitzpatrick.items()]
    head = ["Fitzpatrick skin type", "pictures", "malignant", *map(metric, _AXIS)]
    return elements.table(f"{found.title}: by skin type, with 95 % intervals", head, rows)


def _on_axis(title: str, row: Malignancy) -> list[str]:
    return [title, f"{row.n:,}", f"{row.n_malignant:,}", *_figures(row, _AXIS)]


def _figures(row: Figures, metrics: Iterable[str]) -> list[str]:
    """These metrics of a row, each with its interval."""
    return [figure(row.value(key), row.interval(key)) for key in metrics]
