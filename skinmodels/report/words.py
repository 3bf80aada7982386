"""Names and phrases that page, cards, README and command line share: a metric's name, a claim, a kind of split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from skinmodels.spec import ModelSpec

# Metrics by their keys in a record.
METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_auc": "ROC-AUC",
    "macro_f1": "macro F1",
    "weighted_precision": "weighted precision",
    "weighted_f1": "weighted F1",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "auc": "ROC-AUC",
    "ece": "ECE",
    "nll": "log-likelihood, negative",
}
# What comes first wherever models are compared, and what networks with two labels have besides.
HEADLINE = ("accuracy", "balanced_accuracy", "macro_auc")
RATES = ("sensitivity", "specificity")
# For those who do not know the names.
_EXPLAINED = {"sensitivity": "malignant found", "specificity": "benign left alone"}

# The blocks of a record and which pictures they were measured on, the cleanest first; and the same in short.
BLOCKS = {"test_clean": "clean test part", "test": "whole test part", "test_random_split": "random split, trained anew"}
BLOCKS_IN_SHORT = {"test_clean": "clean", "test": "whole", "test_random_split": "random split"}

# How the test pictures were set apart, by ``split.kind`` of a record.
SPLITS = {
    "lesion": "split by lesion: no lesion known by its id has pictures on both sides",
    "patient": "split by patient: no patient has pictures on both sides",
    "published": "the set's own test part; without lesion ids, so that some lesions may have pictures on both sides",
    "random": "split by picture: pictures of one lesion may lie on both sides",
}

DEVIATIONS = "Trained otherwise than in the paper, or where it is silent:"


class AnyClaim(Protocol):
    """A claim, of a spec or of a baseline's record."""

    @property
    def metric(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def where(self) -> str: ...


def metric(key: str) -> str:
    """A metric's name within a sentence; of one that has none its key with spaces."""
    return METRICS.get(key, key.replace("_", " "))


def title(words: str) -> str:
    """The same words at the head of a line or a column."""
    return words[:1].upper() + words[1:]


def explained(key: str, binary: bool) -> str:
    """A metric's name with what it means, for a network with two labels or with more."""
    if key == "macro_auc" and not binary:
        return f"{metric(key)}, mean over classes"
    return f"{metric(key)} ({_EXPLAINED[key]})" if key in _EXPLAINED else metric(key)


def claim(its: AnyClaim) -> str:
    """One claim: ``accuracy 0.74 (pictures not stated)``."""
    return f"{metric(its.metric)} {its.value:.4g} ({its.where})"


def claims(found: Iterable[AnyClaim]) -> str:
    """What a paper says it reached, in a sentence; empty where it prints no figure."""
    listed = "; ".join(map(claim, found))
    return f"The paper claims: {listed}." if listed else ""


def claims_of(spec: ModelSpec) -> str:
    """What its paper says it reached, and what that is worth; empty where there is nothing to say."""
    return " ".join(part for part in (claims(spec.claims), spec.claim_note) if part)


def listed(words: tuple[str, ...]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
