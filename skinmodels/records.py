"""What is known of a published model: the typed record in ``weights/NAME.json``, of networks and classical baselines alike.

A record of a newer schema is read by this code too: keys it does not know are ignored, and kept when the record is written
again. Shares and probabilities are 0..1, intervals 95 %, sizes in bytes, times in milliseconds unless a name says otherwise.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from skinmodels.errors import SkinModelError
from skinmodels.measured import Block, Calibration, Conformal, External, OperatingPoints, Part, Subgroup

# Goes up when a key changes its name or meaning; not when keys are added, which older readers ignore.
SCHEMA_VERSION = 1


class Split(Part):
    """How the pictures were parted: by "lesion", "patient", "published" or "random", and how many are in each part."""

    kind: str = ""
    seed: int = 0
    n: dict[str, int] = Field(default_factory=dict)


class View(Part):
    """Figures on validation, of one view of each picture or of several averaged."""

    n: int
    balanced_accuracy: float
    macro_auc: float | None = None


class TestTimeAugmentation(Part):
    """What averaging over a picture and its mirror image is worth."""

    __test__ = False  # not a test, whatever pytest makes of its name

    one: View
    averaged: View


class Configuration(Part):
    """What a training was told; its other keys are those of the run's own configuration."""

    seed: int | None = None
    start: str | None = None
    imagenet: bool = False
    reference_sha256: str | None = None


class Training(Part):
    """The command, and everything else that it takes to train a model again. ``seconds`` are those of fitting a baseline."""

    command: str = ""
    configuration: Configuration = Field(default_factory=Configuration)
    deviations: list[str] = Field(default_factory=list)
    schedule: Literal["full", "reduced"] | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    seconds: float | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    date: str = ""
    stored_as: str = ""
    test_time_augmentation: TestTimeAugmentation | None = None


class Claimed(Part):
    """A figure as the paper prints it, and on which pictures."""

    metric: str
    value: float
    where: str


class Latency(Part):
    """Median milliseconds of a whole prediction and of the bare compiled call, on so many cores."""

    p50_ms: float
    compiled_ms: float
    cores: int


class Bootstrap(Part):
    """How the intervals were drawn."""

    resamples: int
    seed: int


# A row an epoch: ``epoch`` and the figures of training, those of validation after ``val_``.
History = list[dict[str, int | float]]


class Record(Part):
    """All that ``weights/NAME.json`` says of a network or a classical baseline.

    ``title``, ``data_set``, ``paper`` and ``claims`` stand in those of baselines alone, which have no spec and no weights to
    serve; ``sha256``, ``params``, ``file_bytes`` and ``history`` in those of networks.
    """

    schema_version: int = Field(ge=SCHEMA_VERSION)
    name: str
    title: str = ""
    source: str = ""
    baseline: bool = False
    data_set: str = ""
    paper: str | None = None
    claims: list[Claimed] = Field(default_factory=list)
    sha256: str = ""
    params: int | None = None
    file_bytes: int | None = None
    labels: list[str]
    split: Split = Field(default_factory=Split)
    training: Training = Field(default_factory=Training)
    history: History = Field(default_factory=list)
    latency: Latency | None = None
    bootstrap: Bootstrap | None = None
    test: Block | None = None
    test_clean: Block | None = None
    test_random_split: Block | None = None
    calibration: Calibration | None = None
    conformal: Conformal | None = None
    operating_points: OperatingPoints | None = None
    operating_points_clean: OperatingPoints | None = None
    subgroups: dict[str, dict[str, Subgroup]] = Field(default_factory=dict)
    external: dict[str, External] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _by_its_labels(self) -> Record:
        """What is by label is by the record's own labels, so that whoever reads it may look any of them up."""
        keys: dict[str, set[str]] = {}
        for name in ("test", "test_clean", "test_random_split"):
            if its := self.block(name):
                keys |= {f"{name}.per_class": set(its.per_class), f"{name}.roc": set(its.roc)}
        if self.conformal:
            keys["conformal.test.per_class"] = set(self.conformal.test.per_class)
            if set(self.conformal.thresholds) != set(self.labels):
                raise ValueError("conformal.thresholds")
        if other := [name for name, its in keys.items() if not its <= set(self.labels)]:
            raise ValueError(other[0])
        return self

    @property
    def held_out(self) -> Block:
        """The figures on the whole test part. Raises SkinModelError where the record has none."""
        if self.test is None:
            raise SkinModelError(f"Expected figures of the test part in {self.name}.json. Received: a record without them")
        return self.test

    def block(self, key: str) -> Block | None:
        """``test``, ``test_clean`` or ``test_random_split``."""
        found: Block | None = getattr(self, key)
        return found


class OptimiserRun(Part):
    """What one optimiser reached, epoch by epoch."""

    title: str
    history: History


class OptimiserComparison(Part):
    """All that ``weights/NAME.optimisers.json`` says: the same random weights trained with each optimiser, by its key."""

    schema_version: int = Field(ge=SCHEMA_VERSION)
    name: str
    command: str
    seed: int
    split: Split
    learning_rate: float
    momentum: dict[str, float]
    batch_size: int
    steps: int
    epochs: int
    precision: str
    versions: dict[str, str]
    date: str
    optimisers: dict[str, OptimiserRun]
