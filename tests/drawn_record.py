"""A record with every key that one may have, its figures made up. Never published."""

from __future__ import annotations

import copy
from typing import Any

from skinmodels import labels
from skinmodels.registry import MODELS

SUBGROUPS = {
    "sex": ("female", "male"),
    "age_band": ("under 40", "40 to 60", "over 60"),
    "site": ("back", "face"),
    "diagnosis_by": ("histo",),
}


def full(name: str, published: dict[str, Any]) -> dict[str, Any]:
    """That model's published record with whatever it lacks made up."""
    record, codes = copy.deepcopy(published), MODELS[name].labels
    block = record["test"]
    record["test_clean"] = copy.deepcopy(block) | {"n": block["n"] - 60, "accuracy": block["accuracy"] - 0.02}
    record.setdefault("test_random_split", copy.deepcopy(block) | {"accuracy": block["accuracy"] + 0.04})
    record["latency"] = {"p50_ms": 7.25, "compiled_ms": 4.5, "cores": 2}
    after = [row | {"accuracy": row["confidence"]} for row in block["reliability"]]
    record["calibration"] = {
        "temperature": 1.271,
        "n": record["split"]["n"]["calibration"],
        "before": {"ece": block["ece"], "nll": 0.912, "reliability": block["reliability"]},
        "after": {"ece": 0.0213, "nll": 0.845, "reliability": after},
    }
    record["conformal"] = {
        "coverage": 0.9,
        "n": record["split"]["n"]["calibration"],
        "thresholds": dict.fromkeys(codes, 0.83),
        "kind": {code: "class" if i % 2 else "marginal" for i, code in enumerate(codes)},
        "test": {
            "n": block["n"],
            "coverage": 0.914,
            "band": [0.861, 0.937],
            "within": True,
            "mean_size": 1.62,
            "sizes": {"0": 3, "1": 900, "2": 1101},
            "per_class": {
                code: {"coverage": 0.9, "n": 40, "calibration_n": 31, "band": [0.72, 0.99], "within": i != 1}
                for i, code in enumerate(codes)
            },
        },
    }
    record["operating_points"] = {
        "malignant": [code for code in codes if code in labels.MALIGNANT],
        "n": block["n"],
        "n_malignant": 392,
        "auc": 0.871,
        "auc_interval": [0.85, 0.89],
        "points": [
            {
                "name": point,
                "threshold": threshold,
                "sensitivity": 0.9,
                "specificity": 0.62,
                "sensitivity_interval": [0.87, 0.93],
                "specificity_interval": [0.59, 0.65],
                "ppv": {"0.01": 0.023, "0.05": 0.111, "0.2": 0.372},
            }
            for point, threshold in (("default", 0.5), ("sensitivity 90 %", 0.31), ("sensitivity 95 %", 0.19))
        ],
    }
    shares = {"accuracy": 0.7, "balanced_accuracy": 0.6, "sensitivity": 0.8, "specificity": 0.7, "auc": 0.85}
    intervals = {metric: [value - 0.05, value + 0.05] for metric, value in shares.items()}
    rates: dict[str, Any] = {"n": 210, "n_malignant": 44, **shares, "intervals": intervals}
    few: dict[str, Any] = {"n": 4, "n_malignant": 1, **dict.fromkeys(shares), "intervals": {}}
    record["subgroups"] = {
        column: {value: few if i == 1 else rates for i, value in enumerate(values)} for column, values in SUBGROUPS.items()
    }
    record["external"] = {
        "pad_ufes": {
            "title": "PAD-UFES-20, clinical photographs",
            "n": 1200,
            "note": "Photographs from phones, which no training picture is.",
            "malignancy": rates,
            "malignancy_without_ack": rates,
            "matching": {"labels": list(codes[:3])} | rates,
            "by_fitzpatrick": {"1": rates, "2": rates, "5": few},
        },
        "siim": {"title": "Melanoma set", "n": 900, "note": "", "malignancy": rates, "matching": None},
    }
    return record
