"""What is measured on a model, as the parts of its record: figures with intervals, calibration, coverage, subgroups.

Shares, rates and probabilities are 0..1, intervals 95 %.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Interval = tuple[float, float]


class Part(BaseModel):
    """Any object in a record: read-only, its types exact, unknown keys kept."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)

    def content(self) -> dict[str, Any]:
        """As in JSON: what was given and nothing that was not."""
        return self.model_dump(mode="json", exclude_unset=True)


class Figures(Part):
    """Figures with their 95 % intervals by name; None where there were too few pictures."""

    intervals: dict[str, Interval | None] = Field(default_factory=dict)

    def value(self, metric: str) -> float | None:
        """The figure of that name, None where there is none."""
        found: float | None = getattr(self, metric, None)
        return found

    def interval(self, metric: str) -> Interval | None:
        """Its 95 % interval, None where there is none."""
        return self.intervals.get(metric)


class ClassFigures(Part):
    """One class against the rest; ``n`` pictures of it."""

    precision: float
    recall: float
    f1: float
    n: int


class Curve(Part):
    """False and true positive rates of a ROC curve."""

    fpr: list[float]
    tpr: list[float]


class Bin(Part):
    """One bin of a reliability diagram: mean confidence of the top label and how often it was right, None where empty."""

    n: int
    confidence: float | None
    accuracy: float | None


class Block(Figures):
    """Figures on one set of pictures, uncalibrated: ``n`` of ``groups`` lesions (or patients).

    ``sensitivity``, ``specificity`` and ``auc`` are those of networks with two labels; ``confusion_matrix`` has true labels as
    rows; ``roc`` and ``per_class`` are by label.
    """

    n: int
    groups: int | None = None
    accuracy: float | None = None
    balanced_accuracy: float | None = None
    macro_f1: float | None = None
    weighted_precision: float | None = None
    weighted_f1: float | None = None
    macro_auc: float | None = None
    sensitivity: float | None = None
    specificity: float | None = None
    auc: float | None = None
    ece: float | None = None
    per_class: dict[str, ClassFigures] = Field(default_factory=dict)
    confusion_matrix: list[list[int]] = Field(default_factory=list)
    roc: dict[str, Curve] = Field(default_factory=dict)
    reliability: list[Bin] = Field(default_factory=list)


class Quality(Part):
    """How well probabilities agree with the truth: expected calibration error, negative log-likelihood in nats."""

    ece: float
    nll: float
    reliability: list[Bin]


class Calibration(Part):
    """Temperature scaling fitted on ``n`` pictures, and what it does on the test part."""

    temperature: float = Field(gt=0)
    n: int
    before: Quality
    after: Quality


class Coverage(Part):
    """How often prediction sets held the right label, and the band that sample sizes allow with 99 %; None of no pictures."""

    n: int
    coverage: float | None
    band: Interval | None
    within: bool | None


class ClassCoverage(Coverage):
    """Of one class, with as many pictures in the calibration part."""

    calibration_n: int


class SetCoverage(Coverage):
    """Of all classes: mean number of labels in a set, and how many sets have each number."""

    mean_size: float
    sizes: dict[str, int]
    per_class: dict[str, ClassCoverage]


class Conformal(Part):
    """Conformal prediction sets: thresholds by label, each the class's own or that of all ``n`` calibration pictures."""

    coverage: float
    n: int
    thresholds: dict[str, float]
    kind: dict[str, Literal["class", "marginal"]]
    test: SetCoverage


class OperatingPoint(Part):
    """A threshold on the probability of malignancy; ``ppv`` by prevalence."""

    name: str
    threshold: float
    sensitivity: float | None
    specificity: float | None
    sensitivity_interval: Interval | None = None
    specificity_interval: Interval | None = None
    ppv: dict[str, float | None]


class OperatingPoints(Part):
    """Malignant against benign on ``n`` pictures; ``malignant`` are the labels that count as such."""

    malignant: list[str]
    n: int
    n_malignant: int
    auc: float | None
    auc_interval: Interval | None = None
    points: list[OperatingPoint]


class Malignancy(Figures):
    """Malignant against benign at a threshold of 0.5, on ``n`` pictures."""

    n: int
    n_malignant: int
    sensitivity: float | None
    specificity: float | None
    auc: float | None


class Subgroup(Malignancy):
    """The pictures of one sex, age band, body site or kind of diagnosis."""

    accuracy: float | None
    balanced_accuracy: float | None


class Matching(Figures):
    """Diagnoses on pictures of another set whose label the model has."""

    labels: list[str]
    n: int
    accuracy: float | None
    balanced_accuracy: float | None


class External(Part):
    """Figures on the ``n`` pictures of another set that the model cannot know; ``left_out`` others it may."""

    title: str
    n: int
    note: str = ""
    malignancy: Malignancy | None = None
    matching: Matching | None = None
    malignancy_without_ack: Malignancy | None = None
    by_fitzpatrick: dict[str, Malignancy] = Field(default_factory=dict)
    left_out: int | None = None
