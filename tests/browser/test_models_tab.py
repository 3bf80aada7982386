"""The tab of all models: its table, cards and plots from records published and made up, and what a person does there."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import drawn_record
import pytest
from conftest import PATIENCE, ROOT, Server, opened, start, stop
from gradio_client import Client
from playwright.sync_api import Browser, Locator, Page, expect

from skinmodels import weights
from skinmodels.errors import SkinModelError
from skinmodels.measured import Bin
from skinmodels.registry import MODELS
from skinmodels.report import numbers, plots
from skinmodels.ui import texts
from skinmodels.ui.components import model_card, model_rows, model_table
from training import tables

SECTIONS = [
    "Claimed and measured",
    "Class by class",
    "Calibration",
    "Malignant against benign",
    "Conformal sets",
    "Slices of the test part",
    "On other sets",
    "How it was trained",
    "Optimisers compared",
    "Origin and licence",
    "Limits",
]


@pytest.fixture
def full_weights(own_weights: Path) -> Path:
    """Weights whose records have every key, but for the last model's, which is as published."""
    for name in list(MODELS)[:-1]:
        record = drawn_record.full(name, weights.read_record(name).content())
        (own_weights / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    return own_weights


def headings(card: str) -> list[str]:
    return re.findall(r"<h3>(.*?)</h3>", card)


def cells(card: str, caption: str) -> str:
    """The table that follows the caption that begins so."""
    return card.partition(f'<p class="caption">{caption}')[2].partition("</table>")[0]


class Balance(HTMLParser):
    """Fails where an element is closed that is not the open one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_rows_of_the_published_models():
    found = model_rows.rows()
    baselines = [record.name for record in weights.baselines()]
    assert [row["model"] for row in found] == [*MODELS, *baselines]
    assert [row["parameters"] for row in found[len(MODELS) :]] == [None] * len(baselines)
    for row in found[: len(MODELS)]:
        record = weights.read_record(row["model"])
        assert row["error"] is None
        assert row["test"] is not None
        assert row["test"]["accuracy"] == record.held_out.accuracy
        assert row["test"]["intervals"]["macro_auc"] == list(record.held_out.intervals["macro_auc"] or ())
        assert row["parameters"] == record.params
        assert row["latency_ms"] == (record.latency.p50_ms if record.latency else None)
        assert (row["test_clean"] is None) == (record.test_clean is None)
    json.dumps(found)


def table_cells(table: str) -> list[dict[str, tuple[float | str | None, str]]]:
    """Of each row by column: what is sorted by, and what is shown."""
    root = ElementTree.fromstring(table)
    heads = ["".join(head.itertext()) for head in root.iter("th") if head.get("scope") == "col"]
    rows = []
    for row in root.iter("tr"):
        if row.get("data-model"):
            rows.append({h: (cell.get("data-value"), " ".join(cell.itertext())) for h, cell in zip(heads, row, strict=True)})
    return rows  # type: ignore[return-value]


def test_table_sorts_by_numbers_and_shows_intervals(full_weights):
    found = model_rows.rows()
    for row, shown in zip(found, table_cells(model_table.table(found)), strict=True):
        assert shown["Model"][0] == row["model"]
        assert ("reduced schedule" in shown["Model"][1]) == (row["schedule"] == "reduced")
        assert row["test"] is not None
        value, text = shown["Accuracy, whole"]
        assert float(value or "") == row["test"]["accuracy"]
        low, high = row["test"]["intervals"]["accuracy"]
        assert text == f"{row['test']['accuracy']:.3f} {low:.3f} to {high:.3f}"
        assert shown["Parameters"] == (str(row["parameters"]), f"{row['parameters']:,}")
    first = table_cells(model_table.table(found))[0]
    assert first["ECE after calibration"] == ("0.0213", "0.021")
    assert first["Latency, ms"] == ("7.25", "7.2")
    assert "its training pictures" in first["Accuracy, the paper's claim"][1]
    assert set(first) >= {"Balanced accuracy, clean", "Balanced accuracy, whole", "ROC-AUC, random split"}


def test_columns_that_no_record_fills_are_left_out(own_weights):
    for name in MODELS:
        record = {
            key: value
            for key, value in weights.read_record(name).content().items()
            if key not in ("test_clean", "test_random_split", "calibration", "latency")
        }
        (own_weights / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    heads = list(table_cells(model_table.table(model_rows.rows()))[0])
    assert "Accuracy, whole" in heads
    assert not [head for head in heads if "clean" in head or "random" in head or "after" in head or "Latency" in head]


def test_a_damaged_model_is_a_row_and_a_card_with_a_sentence(own_weights):
    damaged, *others = MODELS
    (own_weights / f"{damaged}.weights.h5").write_bytes(b"damaged")
    first, *rest = model_rows.rows()
    assert first["error"] is not None
    assert "are damaged" in first["error"]
    assert first["test"] is None
    assert all(row["error"] is None for row in rest)
    model_table.table([first, *rest])
    card = model_card.card(damaged)
    assert "are damaged" in card
    assert headings(card) == ["Origin and licence", "Limits"]
    assert "<svg" in model_card.card(others[0])


def test_an_unknown_model_is_one_sentence():
    with pytest.raises(SkinModelError, match="Expected a model name"):
        model_card.card("nothing")


@pytest.mark.parametrize("name", MODELS)
def test_card_of_the_published_record(name):
    card = model_card.card(name)
    balance = Balance()
    balance.feed(card)
    assert balance.open == []
    found, record = headings(card), weights.read_record(name)
    assert found == [title for title in SECTIONS if title in found]
    assert {"Claimed and measured", "Class by class", "How it was trained", "Origin and licence", "Limits"} <= set(found)
    assert ("Conformal sets" in found) == (record.conformal is not None)
    assert ("On other sets" in found) == bool(record.external)
    for words in (f"{record.held_out.accuracy:.3f}", record.sha256, MODELS[name].dataset.licence, "Seed 0"):
        assert words in card


def test_card_of_a_record_with_everything(full_weights):
    card = model_card.card("ham_cnn28")
    # Optimisers were compared on another network.
    assert headings(card) == [title for title in SECTIONS if title != "Optimisers compared"]
    assert card.count("<svg") == 4
    assert "PPV at 1%" in cells(card, "Operating points")
    assert "0.372" in cells(card, "Operating points")
    assert "sensitivity 95 %" in cells(card, "Operating points")
    assert "inside" in card
    assert "0.914" not in cells(card, "Coverage by class")
    assert "91.4%" in card
    assert "\N{EN DASH}" in cells(card, "By sex")
    assert "type 5" in cells(card, "PAD-UFES-20, clinical photographs: by skin type")
    assert "temperature 1.271" in card.lower()
    assert "clean test part" in cells(card, "Held-out figures")
    assert "Clean: without the 60 test pictures that share a lesion or a near-duplicate" in card
    assert "our reference network: clean test part" in cells(card, "Held-out figures")
    assert "for comparison" not in model_card.card("ham_reference")


def test_a_reduced_schedule_is_named_below_the_model(own_weights):
    record = weights.read_record("ham_cnn28").content()
    record["training"]["schedule"] = "reduced"
    (own_weights / "ham_cnn28.json").write_text(json.dumps(record), encoding="utf-8")
    shown = table_cells(model_table.table(model_rows.rows()))
    assert "reduced schedule" in next(row["Model"][1] for row in shown if row["Model"][0] == "ham_cnn28")


def test_card_escapes_what_it_is_told(own_weights):
    record = weights.read_record("ham_cnn28").content()
    record["training"]["command"] = "python <script>alert(1)</script>"
    record["training"]["deviations"] = ["<img src=x>"]
    (own_weights / "ham_cnn28.json").write_text(json.dumps(record), encoding="utf-8")
    card = model_card.card("ham_cnn28")
    assert "<script" not in card
    assert "<img" not in card
    assert "&lt;img src=x&gt;" in card


def test_a_record_written_anew_is_shown_anew(own_weights):
    before = model_card.card("ham_cnn28")
    record = weights.read_record("ham_cnn28").content()
    record["training"]["command"] = "python -m something.new"
    (own_weights / "ham_cnn28.json").write_text(json.dumps(record), encoding="utf-8")
    assert "something.new" not in before
    assert "something.new" in model_card.card("ham_cnn28")


@pytest.fixture(scope="module")
def svg() -> str:
    bins = [Bin(n=0, confidence=None, accuracy=None), Bin(n=9, confidence=0.7, accuracy=0.4)]
    return plots.reliability({"before": bins, "after": []})


def test_plot_is_one_whole_element_that_takes_the_pages_colour(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert "width" not in root.attrib
    assert root.attrib["viewBox"]
    assert "currentColor" in svg
    # Neither styles nor names that would hold for the page around it.
    assert "<style" not in svg
    assert not [element for element in root.iter() if element.tag.endswith("}g") and "id" in element.attrib]


def test_plot_has_a_text_alternative(svg):
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert "before, 1 bins: farthest from it at 0.70, where 0.40 were right" in root.attrib["aria-label"]


def test_curves_say_where_they_begin_and_end():
    history = [{"epoch": 1, "loss": 2.0, "val_loss": 2.5}, {"epoch": 2, "loss": 1.0, "val_loss": 1.5}]
    drawn = plots.training_curve(history, "loss", 2)
    assert "training 2.000 to 1.000; validation 2.500 to 1.500" in drawn
    assert "kept: epoch 2" in drawn


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("background", ["#ffffff", "#0b0f19", "#1e293b"])
@pytest.mark.parametrize("colour", plots.COLOURS)
def test_lines_are_seen_in_light_and_dark(colour, background):
    low, high = sorted((luminance(colour), luminance(background)))
    assert (high + 0.05) / (low + 0.05) >= 3


def test_importing_the_page_draws_nothing():
    script = "import sys, app; print('matplotlib' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.strip() == "False"


def test_readme_tables_show_the_clean_part_and_the_scaled_ece_where_they_are(full_weights):
    table = tables.models_table()
    last = list(MODELS)[-1]
    assert table.count("clean:") >= len(MODELS) - 1
    assert "scaled 0.021" in table
    assert f"`{last}`" in table
    assert len({line.count("|") for line in table.splitlines()}) == 1


@pytest.fixture(scope="module")
def full_server(weights_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page, served with records that have every key; one model's weights are damaged."""
    folder = tmp_path_factory.mktemp("full") / "weights"
    folder.mkdir()
    for file in weights_folder.glob("*.h5"):
        (folder / file.name).symlink_to(file)
    for name in MODELS:
        record = json.loads((weights_folder / f"{name}.json").read_text(encoding="utf-8"))
        (folder / f"{name}.json").write_text(json.dumps(drawn_record.full(name, copy.deepcopy(record))), encoding="utf-8")
    process, server = start(folder, folder.parent / "output.txt")
    yield server
    stop(process)


def test_endpoint(full_server):
    rows = Client(full_server.url, verbose=False, httpx_kwargs={"timeout": 120}).predict(api_name="/models")
    assert [row["model"] for row in rows] == list(MODELS)
    assert all(set(row) == set(model_rows.Row.__annotations__) for row in rows)
    assert rows[0]["latency_ms"] == 7.25


def open_tab(page: Page) -> Locator:
    page.get_by_role("tab", name="Models", exact=True).click()
    card = page.locator("#models-card")
    expect(card.locator("figure svg").first).to_be_visible(timeout=PATIENCE)
    return card


def models_shown(page: Page) -> list[str]:
    """The first column, from top to bottom."""
    return page.locator("#models-table tbody th").evaluate_all("heads => heads.map(head => head.dataset.value)")


@pytest.fixture
def page(browser: Browser, full_server) -> Iterator[Page]:
    yield from opened(browser, full_server, 1280, 900)


@pytest.fixture
def phone(browser: Browser, full_server) -> Iterator[Page]:
    yield from opened(browser, full_server, 390, 844)


def test_sort_by_accuracy_and_choose_a_row(page):
    card = open_tab(page)
    assert models_shown(page) == list(MODELS)
    head = page.locator("#models-table").get_by_role("button", name="Accuracy, whole", exact=True)
    measured = {row["model"]: row["test"]["accuracy"] for row in model_rows.rows() if row["test"]}
    falling = sorted(MODELS, key=lambda name: -measured[name])
    head.click()
    expect(page.locator("#models-table th[aria-sort=descending]")).to_have_text("Accuracy, whole")
    assert models_shown(page) == falling
    head.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#models-table th[aria-sort=ascending]")).to_have_text("Accuracy, whole")
    assert models_shown(page) == falling[::-1]
    parameters = page.locator("#models-table").get_by_role("button", name="Parameters")
    parameters.click()
    assert models_shown(page) == sorted(MODELS, key=lambda name: -MODELS[name].params)
    claim = page.locator("#models-table").get_by_role("button", name="claim")
    claim.click()
    # What has no claim stays at the end, in the order it was in.
    unclaimed = [name for name in sorted(MODELS, key=lambda name: -MODELS[name].params) if not MODELS[name].claims]
    assert models_shown(page)[-len(unclaimed) :] == unclaimed
    last = list(MODELS)[-1]
    page.locator("#models-table").get_by_role("button", name=last).click()
    expect(card.locator("h2")).to_contain_text(last, timeout=PATIENCE)
    expect(page.locator("#models-chosen input")).to_have_value(re.compile(last))
    expect(card.locator("h3")).to_have_text(headings(model_card.card(last)))
    assert card.locator("figure svg[role=img]:not([aria-label])").count() == 0


def test_phone_width(phone):
    card = open_tab(phone)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    for svg in card.locator("figure svg").all():
        box = svg.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        # Letters of at least 9 pixels.
        assert svg.evaluate("e => 10 * e.getBoundingClientRect().width / e.viewBox.baseVal.width") >= 9
    outside = card.locator("p, li, h2, h3, pre, .scrolls").evaluate_all(
        "all => all.filter(e => e.getBoundingClientRect().right > 391).map(e => e.outerHTML.slice(0, 200))"
    )
    assert outside == []
    # Each tab stands there once, also when it was opened.
    titles = phone.get_by_role("tab").all_inner_texts()
    assert len(titles) == len(set(titles))
    name, box = phone.locator("#models-table tbody th").first, phone.locator("#models-table .models")
    before = name.bounding_box()
    box.evaluate("e => e.scrollLeft = 300")
    assert box.evaluate("e => e.scrollLeft") == 300
    after = name.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["x"] - before["x"]) <= 1


def test_facts_and_card_say_how_much_of_the_class_lies_in_the_source() -> None:
    border = weights.read_record("siim_border").held_out.auc
    spec = MODELS["siim_cnn_v2"]
    for text in (texts.facts(spec), model_card.card(spec.name)):
        assert f"border reaches ROC-AUC {border:.3f}" in text.replace("&#x27;", "'")
    assert "different places" not in texts.facts(MODELS["ham_cnn28"])


def test_card_shows_the_papers_rates_as_printed_and_by_its_counts() -> None:
    shown = model_card.card("siim_cnn_v2")
    rows = {"33,126 pictures held out": ("0.704", "0.860"), "the same pictures, by its own counts": ("0.755", "0.863")}
    for where, (sensitivity, specificity) in rows.items():
        cells = f"<td>{sensitivity}</td><td>{specificity}</td>"
        assert f'<th scope="row">the paper: {where}</th><td>{numbers.NOTHING}</td>{cells}' in shown
    for found, total, claimed in ((28_085, 32_542, 0.863), (441, 584, 0.7551), (28_526, 33_126, 0.8611)):
        assert found / total == pytest.approx(claimed, abs=1e-4)
        assert claimed in [claim.value for claim in MODELS["siim_cnn_v2"].claims]
