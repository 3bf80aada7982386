"""The malignancy axis: thresholds, predictive values, subgroups and other sets, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skinmodels import labels as codes
from skinmodels.spec import Claim
from training.data import datasets
from training.evaluation import external, figures, malignancy, operating_points, predictions, subgroups

HAM = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skinmodels.metrics.RESAMPLES", 50)


def test_predictive_value_by_hand() -> None:
    # Of 1000 people 10 are ill; 9 of them are found, and 198 of the 990 others are called ill too.
    assert operating_points.positive_predictive_value(0.9, 0.8, 0.01) == pytest.approx(9 / (9 + 198))
    assert operating_points.positive_predictive_value(0.9, 0.8, 0.2) == pytest.approx(180 / (180 + 160))
    assert operating_points.positive_predictive_value(0, 1, 0.2) is None


def test_thresholds_are_the_highest_that_find_enough() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
    malignant = np.array([True] * 10 + [False])
    assert operating_points.threshold_for(0.9, malignant, scores) == 0.2
    assert operating_points.threshold_for(0.95, malignant, scores) == 0.1
    assert operating_points.threshold_for(0.5, malignant, scores) == 0.6


def test_threshold_for_a_specificity_is_the_lowest_that_spares_enough() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
    malignant = np.array([False] * 10 + [True])
    for share in (0.5, 0.86, 1.0):
        threshold = operating_points.threshold_for_specificity(share, malignant, scores)
        assert np.mean(scores[~malignant] < threshold) >= share
        lower = scores[scores < threshold].max()
        assert np.mean(scores[~malignant] < lower) < share
    names = list(operating_points.thresholds(malignant, scores, 0.8599))
    assert names == ["default", "sensitivity 90 %", "sensitivity 95 %", "specificity 86 %"]


def test_operating_points_are_fitted_on_one_part_and_measured_on_the_other() -> None:
    fit = np.array([True] * 10 + [False] * 10), np.concatenate([np.linspace(0.3, 0.75, 10), np.linspace(0, 0.45, 10)])
    malignant = np.array([True] * 4 + [False] * 4)
    scores = np.array([0.9, 0.36, 0.32, 0.1, 0.6, 0.34, 0.2, 0.1])
    block = operating_points.block(("benign", "malignant"), fit, (malignant, scores), list("abcdefgh"))
    assert block["malignant"] == ["malignant"]
    assert (block["n"], block["n_malignant"]) == (8, 4)
    default, ninety, more = block["points"]
    assert [point["name"] for point in block["points"]] == ["default", "sensitivity 90 %", "sensitivity 95 %"]
    assert (default["threshold"], default["sensitivity"], default["specificity"]) == (0.5, 1 / 4, 3 / 4)
    assert ninety["threshold"] == pytest.approx(0.35)
    assert (ninety["sensitivity"], ninety["specificity"]) == (2 / 4, 3 / 4)
    assert more["threshold"] == pytest.approx(0.3)
    assert (more["sensitivity"], more["specificity"]) == (3 / 4, 2 / 4)
    assert default["ppv"] == pytest.approx({"0.01": 0.01 / (0.01 + 0.99), "0.05": 0.05, "0.2": 0.2})
    # Of 16 pairs: 0.9 beats 4, 0.36 and 0.32 beat 3 and 2, 0.1 ties once.
    assert block["auc"] == pytest.approx((4 + 3 + 2 + 0.5) / 16)
    assert block["auc_interval"][0] <= block["auc"] <= block["auc_interval"][1]


def test_score_is_that_of_the_page() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(7), 20)
    expected = [codes.malignancy(dict(zip(HAM, row, strict=True))) for row in probabilities]
    assert malignancy.score(HAM, probabilities) == pytest.approx(expected)


def test_figures_are_null_where_there_is_too_little() -> None:
    few = malignancy.block(np.array([True] * 10 + [False] * 9), np.linspace(0, 1, 19), [str(i) for i in range(19)])
    assert (few["n"], few["n_malignant"], few["auc"], few["sensitivity"]) == (19, 10, None, None)
    benign = malignancy.block(np.zeros(30, bool), np.linspace(0, 0.6, 30), [str(i) for i in range(30)])
    assert (benign["auc"], benign["sensitivity"], benign["intervals"]["auc"]) == (None, None, None)
    assert 0.7 < benign["specificity"] < 0.9
    assert malignancy.block(np.zeros(0, bool), np.zeros(0), [])["n"] == 0


def test_no_figure_comes_from_a_handful_of_one_side() -> None:
    groups = [str(i) for i in range(30)]
    four = malignancy.block(np.arange(30) < 4, np.linspace(0.9, 0.1, 30), groups)
    assert (four["n_malignant"], four["sensitivity"], four["auc"]) == (4, None, None)
    assert four["specificity"] is not None
    five = malignancy.block(np.arange(30) < 5, np.linspace(0.9, 0.1, 30), groups)
    assert (five["sensitivity"], five["auc"]) == (1, 1)


def test_a_rate_without_exception_is_not_called_certain() -> None:
    malignant = np.array([True] * 12 + [False] * 12)
    found = malignancy.block(malignant, np.full(24, 0.9), [f"{i // 2}" for i in range(24)])
    # Six lesions, two pictures each, all found: 0.025 ** (1 / 6) by hand.
    assert (found["sensitivity"], found["specificity"]) == (1, 0)
    assert found["intervals"]["sensitivity"] == pytest.approx([0.025 ** (1 / 6), 1])
    assert found["intervals"]["specificity"] == pytest.approx([0, 1 - 0.025 ** (1 / 6)])


def answered(truth: list[str], called: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    probabilities = np.array([[0.94 if code == its else 0.01 for code in HAM] for its in called])
    rows = pd.DataFrame({"id": range(len(truth)), "group": [str(i) for i in range(len(truth))], "label": truth})
    return rows.assign(**dict(zip(HAM, probabilities.T, strict=True))), probabilities


def test_subgroups_by_hand() -> None:
    truth = ["mel"] * 10 + ["nv"] * 10 + ["nv"] * 25 + ["bkl"]
    rows, probabilities = answered(truth, ["mel"] * 8 + ["nv"] * 2 + ["nv"] * 9 + ["bcc"] + ["nv"] * 20 + ["mel"] * 5 + ["bkl"])
    rows["sex"] = ["female"] * 20 + ["male"] * 25 + [""]
    rows["site"] = ["back"] * 45 + ["ear"]
    malignant = rows["label"].isin(codes.MALIGNANT).to_numpy()
    found = subgroups.block(HAM, rows, probabilities, malignant)
    assert list(found) == ["sex", "site"]
    assert set(found["sex"]) == {"female", "male"}
    female, male, ear = found["sex"]["female"], found["sex"]["male"], found["site"]["ear"]
    assert (female["n"], female["n_malignant"]) == (20, 10)
    assert (female["accuracy"], female["sensitivity"], female["specificity"]) == pytest.approx((17 / 20, 0.8, 0.9))
    assert female["balanced_accuracy"] == pytest.approx((0.8 + 0.9) / 2)
    assert set(female["intervals"]) == {"accuracy", "balanced_accuracy", "sensitivity", "specificity", "auc"}
    assert female["intervals"]["accuracy"][0] < 17 / 20 < female["intervals"]["accuracy"][1]
    # Nevi alone: what there is to say of one class, and no more.
    assert (male["accuracy"], male["specificity"]) == pytest.approx((20 / 25, 20 / 25))
    assert (male["balanced_accuracy"], male["sensitivity"], male["auc"]) == (None, None, None)
    assert ear["n"] == 1
    assert {ear[name] for name in ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "auc")} == {None}


def test_labels_of_other_sets_are_matched_by_meaning() -> None:
    isic = ("AK", "BCC", "BKL", "MEL", "NV", "SCC")
    assert [external.counterpart(code, "pad_ufes", HAM) for code in datasets.PAD_UFES_CODES] == [
        *("akiec", "bcc", "mel", "nv", None, "bkl"),
    ]
    assert [external.counterpart(code, "pad_ufes", isic) for code in datasets.PAD_UFES_CODES] == [
        *("AK", "BCC", "MEL", "NV", "SCC", "BKL"),
    ]
    assert [external.counterpart(code, "ham10000", isic) for code in HAM] == [None, "BCC", "BKL", None, "MEL", "NV", None]
    assert external.counterpart("AK", "isic2019", HAM) == "akiec"
    assert external.counterpart("malignant", "kaggle", HAM) is None
    assert list(external.is_malignant(["ACK", "NEV", "SCC"], "pad_ufes")) == [True, False, True]


def test_external_by_hand() -> None:
    truth = ["MEL"] * 20 + ["NEV"] * 20 + ["ACK"] * 20 + ["SCC"] * 4
    rows, _ = answered(truth, ["mel"] * 15 + ["nv"] * 5 + ["nv"] * 18 + ["mel"] * 2 + ["nv"] * 20 + ["bcc"] * 4)
    rows["set"], rows["fitzpatrick"] = "pad_ufes", ["1"] * 10 + ["2"] * 30 + [""] * 24
    found = external.block(HAM, rows, 1.0)["pad_ufes"]
    assert (found["n"], found["malignancy"]["n_malignant"]) == (64, 44)
    assert found["malignancy"]["sensitivity"] == pytest.approx((15 + 0 + 4) / 44)
    assert found["malignancy_without_ack"]["sensitivity"] == pytest.approx((15 + 4) / 24)
    assert found["malignancy_without_ack"]["n"] == 44
    matching = found["matching"]
    assert (matching["labels"], matching["n"]) == (["akiec", "mel", "nv"], 60)
    assert matching["accuracy"] == pytest.approx((15 + 18) / 60)
    assert matching["balanced_accuracy"] == pytest.approx((15 / 20 + 18 / 20 + 0) / 3)
    assert {kind: its["n"] for kind, its in found["by_fitzpatrick"].items()} == {"1": 10, "2": 30}
    assert found["by_fitzpatrick"]["1"]["auc"] is None
    assert found["by_fitzpatrick"]["2"]["sensitivity"] == pytest.approx(5 / 10)


def test_sets_without_a_label_of_the_model_have_the_axis_alone() -> None:
    rows, _ = answered(["benign"] * 20 + ["malignant"] * 20, ["nv"] * 20 + ["bcc"] * 20)
    rows["set"], rows["fitzpatrick"] = "siim", ""
    found = external.block(HAM, rows, 1.0)["siim"]
    assert found["matching"] is None
    assert (found["malignancy"]["sensitivity"], found["malignancy"]["specificity"]) == (1, 1)
    assert "by_fitzpatrick" not in found


def test_a_claimed_specificity_is_measured_on_the_clean_part_too() -> None:
    rows = pd.DataFrame({"group": list("abcdefgh"), "label": ["benign", "malignant"] * 4, "clean": [1, 1, 1, 1, 1, 1, 0, 0]})
    rows["malignant"] = [0.1, 0.9, 0.2, 0.8, 0.6, 0.4, 0.9, 0.1]
    rows["benign"] = 1 - rows["malignant"]
    external = pd.DataFrame(columns=["set", "id", "group", "label", "fitzpatrick", "benign", "malignant"])
    tables = predictions.Tables(rows, rows, external)
    found = figures.computed(("benign", "malignant"), tables, [Claim("specificity", 0.86, "somewhere")])
    assert found["operating_points"]["n"] == 8
    clean = found["operating_points_clean"]
    assert clean["n"] == 6
    assert [point["name"] for point in clean["points"]] == [point["name"] for point in found["operating_points"]["points"]]
    default = clean["points"][0]
    assert (default["sensitivity"], default["specificity"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert "operating_points_clean" not in figures.computed(("benign", "malignant"), tables, [])


def test_scores_of_like_answers_tie_however_their_last_digits_fall() -> None:
    labels = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]
    rows = np.random.default_rng(0).dirichlet(np.ones(len(labels)), 2000)
    # The same shares of the malignant classes, added up in another order.
    turned = rows[:, [4, 0, 2, 3, 1, 5, 6]]
    sums = [its[:, [0, 1, 4]].sum(axis=1) for its in (rows, turned)]
    assert (sums[0] != sums[1]).any()
    assert (malignancy.score(labels, rows) == malignancy.score(labels, turned)).all()
