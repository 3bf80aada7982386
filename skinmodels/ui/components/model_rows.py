"""The figures of all models in one list, for the page's table and for programs."""

from __future__ import annotations

from typing import Any, TypedDict

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.measured import Block
from skinmodels.records import Record
from skinmodels.registry import MODELS
from skinmodels.report.words import HEADLINE
from skinmodels.spec import ModelSpec


class Measured(TypedDict):
    """A record's figures. What it does not have is None; shares are 0..1.

    ``test_clean``, ``test`` and ``test_random_split`` hold ``n``, ``accuracy``, ``balanced_accuracy``, ``macro_auc`` and
    ``intervals`` ({metric: [low, high]}, 95 %). ``schedule`` is "full" or "reduced".
    """

    test_clean: dict[str, Any] | None
    test: dict[str, Any] | None
    test_random_split: dict[str, Any] | None
    ece_uncalibrated: float | None
    ece: float | None
    schedule: str | None
    file_bytes: int | None
    latency_ms: float | None


class Row(Measured):
    """One model or classical baseline; ``parameters`` of these is None."""

    model: str
    title: str
    data_set: str
    paper: str | None
    claims: list[dict[str, Any]]
    parameters: int | None
    error: str | None


def rows() -> list[Row]:
    """A row a model, in display order, then one for each classical baseline, which cannot be asked about a picture.

    A model whose weights cannot be used has ``error`` and no figures.
    """
    return [*(_row(spec) for spec in MODELS.values()), *(_baseline(record) for record in weights.baselines())]


def _baseline(record: Record) -> Row:
    return {
        "model": record.name,
        "title": record.title,
        "data_set": record.data_set,
        "paper": record.paper,
        "claims": [claim.content() for claim in record.claims],
        **_measured(record),
        "parameters": None,
        "error": None,
    }


def _row(spec: ModelSpec) -> Row:
    record, error = None, None
    try:
        record = weights.check(spec.name)
    except SkinModelError as caught:
        error = str(caught)
    return {
        "model": spec.name,
        "title": spec.title,
        "data_set": spec.dataset.title,
        "paper": spec.paper.citation if spec.paper else None,
        "claims": [{"metric": claim.metric, "value": claim.value, "where": claim.where} for claim in spec.claims],
        **_measured(record),
        "parameters": spec.params,
        "error": error,
    }


def _measured(record: Record | None) -> Measured:
    after = record.calibration.after if record and record.calibration else None
    return {
        "test_clean": _block(record.test_clean) if record else None,
        "test": _block(record.test) if record else None,
        "test_random_split": _block(record.test_random_split) if record else None,
        "ece_uncalibrated": record.test.ece if record and record.test else None,
        "ece": after.ece if after else None,
        "schedule": record.training.schedule if record else None,
        "file_bytes": record.file_bytes if record else None,
        "latency_ms": record.latency.p50_ms if record and record.latency else None,
    }


def _block(block: Block | None) -> dict[str, Any] | None:
    if block is None:
        return None
    return {
        "n": block.n,
        **{metric: block.value(metric) for metric in HEADLINE},
        "intervals": {metric: list(interval) for metric in HEADLINE if (interval := block.interval(metric))},
    }
